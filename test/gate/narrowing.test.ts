import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineEvent } from '../../src/eventstore/event.ts';
import { jsonSchema } from '../../src/eventstore/json-schema.ts';
import { findNarrowings } from '../../src/gate/narrowing.ts';

/** What is found when a payload's field `a` goes from one schema to another, both as zod writes them. */
function found(before: z.ZodType, after: z.ZodType): string[] {
  return foundInPayload(z.object({ a: before }), z.object({ a: after }));
}

function foundInPayload(before: z.ZodType, after: z.ZodType): string[] {
  const [old, now] = [before, after].map((payload) =>
    jsonSchema(
      defineEvent({
        type: 'Tested',
        version: 1,
        aggregateType: 'Test',
        effect: 'decision',
        doc: '',
        payload,
      }),
    ),
  );
  return findNarrowings(old ?? {}, now ?? {});
}

const stop = z.object({ name: z.string(), kind: z.enum(['PICKUP', 'DELIVERY']) });
const tree = z.object({
  get branches() {
    return z.array(tree).optional();
  },
});
const twig = z.object({
  leaf: z.string(),
  get branches() {
    return z.array(twig).optional();
  },
});
const bough = z.object({
  get branch() {
    return bough.nullable();
  },
});
const leafyBough = z.object({
  leaf: z.string(),
  get branch() {
    return leafyBough.nullable();
  },
});
const byKind = (...kinds: string[]) =>
  z.discriminatedUnion(
    'kind',
    kinds.map((kind) => z.object({ kind: z.literal(kind) })) as [z.ZodObject<{ kind: z.ZodLiteral<string> }>],
  );

const NARROWED: readonly (readonly [what: string, before: z.ZodType, after: z.ZodType, found: string])[] = [
  ['another type', z.string(), z.number(), 'a was of type string and became number'],
  ['whole numbers only', z.number(), z.int(), 'a was of type number and became integer'],
  ['some type instead of any', z.unknown(), z.string(), 'a was of type any and became string'],
  ['no null any more', z.string().nullable(), z.string(), 'a no longer allows null'],
  ['an alternative gone', z.union([z.string(), z.boolean()]), z.string(), 'a no longer allows boolean'],
  ['a shorter closed list', z.enum(['X', 'Y']), z.enum(['X']), 'a no longer allows "Y"'],
  ['a value renamed', z.enum(['X', 'Y']), z.enum(['X', 'Z']), 'a no longer allows "Y"'],
  ['a closed list instead of any text', z.string(), z.enum(['X']), 'a became a closed list'],
  ['another constant', z.literal('X'), z.literal('Y'), 'a no longer allows "X"'],
  ['a higher minimum', z.number().min(0), z.number().min(1), 'a takes numbers from 1 instead of 0'],
  ['a first maximum', z.number(), z.number().max(9), 'a takes numbers up to 9 instead of any'],
  [
    'a limit that is excluded now',
    z.number().min(0),
    z.number().positive(),
    'a takes numbers from 0 (itself excluded) instead of 0',
  ],
  [
    'a longer step',
    z.number().multipleOf(2),
    z.number().multipleOf(3),
    'a takes only multiples of 3 instead of 2',
  ],
  [
    'a longer text at least',
    z.string(),
    z.string().min(1),
    'a takes at least 1 characters instead of any number',
  ],
  [
    'a shorter text at most',
    z.string().max(9),
    z.string().max(8),
    'a takes at most 8 characters instead of 9',
  ],
  ['a first pattern', z.string(), z.string().regex(/^x$/), 'a has the pattern "^x$" instead of none'],
  [
    'another pattern',
    z.string().regex(/^x/),
    z.string().regex(/x$/),
    'a has the pattern "x$" instead of "^x"',
  ],
  ['a date kept as text', z.date(), z.string(), 'a has the x-bsonType none instead of "date"'],
  ['a text kept as a date', z.iso.datetime(), z.date(), 'a has the x-bsonType "date" instead of none'],
  ['fewer items', z.array(z.int()), z.array(z.int()).max(3), 'a takes at most 3 items instead of any number'],
  [
    'items of another type',
    z.array(z.int()),
    z.array(z.string()),
    'a[] was of type integer and became string',
  ],
  [
    'a narrower place',
    z.tuple([z.number()]),
    z.tuple([z.number().max(1)]),
    'a[0] takes numbers up to 1 instead of any',
  ],
  ['closed to further fields', stop, z.strictObject(stop.shape), 'a became closed to further fields'],
  [
    'a field gone further in',
    z.array(stop),
    z.array(stop.omit({ name: true })),
    'a[].name was removed or renamed',
  ],
  ['a field demanded', stop.partial(), stop.partial({ name: true }), 'a.kind became required'],
  ['a new field demanded', stop, stop.extend({ at: z.date() }), 'a.at is new and required'],
  [
    'another value of a record',
    z.record(z.string(), z.int()),
    z.record(z.string(), z.boolean()),
    'a.* was of type integer and became boolean',
  ],
  [
    'keys from a closed list',
    z.record(z.string().min(1), z.int()),
    z.record(z.string().min(2), z.int()),
    'the keys of a takes at least 2 characters instead of 1',
  ],
  ['a variant gone', byKind('x', 'y'), byKind('x'), 'a.kind no longer allows "y"'],
  ['a field gone in what contains itself', twig, tree, 'a.leaf was removed or renamed'],
];

const WIDENED: readonly (readonly [what: string, before: z.ZodType, after: z.ZodType])[] = [
  ['any number', z.int(), z.number()],
  ['null too', z.string(), z.string().nullable()],
  ['alternatives, told in another way', z.string().nullable(), z.union([z.string(), z.null(), stop])],
  ['another alternative', z.string(), z.union([z.string(), z.boolean()])],
  ['more values', z.enum(['X']), z.enum(['X', 'Y'])],
  ['any text instead of a closed list', z.enum(['X']), z.string()],
  ['wider limits', z.number().min(0).max(9), z.number().min(-1).max(10)],
  ['a limit that is included now', z.number().positive(), z.number().min(0)],
  ['no limits', z.string().min(1).max(9).regex(/x/), z.string()],
  ['a finer step', z.number().multipleOf(10), z.number().multipleOf(5)],
  ['more items', z.array(z.int()).min(2).max(3), z.array(z.int()).min(1)],
  ['a new optional field', stop, stop.extend({ at: z.date().optional() })],
  ['a field that may be absent now', stop, stop.partial()],
  ['open to further fields', z.strictObject(stop.shape), stop],
  ['another description', z.number(), z.number().meta({ description: 'in metres' })],
  ['another variant', byKind('x'), byKind('x', 'y')],
  ['nothing, in what contains itself', twig, twig],
  ['a new optional field in what contains itself', bough, bough.extend({ leaf: z.string().optional() })],
  ['any type', stop.shape.name, z.unknown()],
];

describe('a field of a payload', () => {
  it.each(NARROWED)('is narrowed by %s', (_what, before, after, clause) => {
    expect(found(before, after)).toEqual([clause]);
  });

  it.each(WIDENED)('is only widened by %s', (_what, before, after) => {
    expect(found(before, after)).toEqual([]);
  });
});

describe('a payload', () => {
  it('may contain itself, or nothing', () => {
    const inner = [leafyBough, bough].map((one) => z.object({ in: one }));
    expect(found(inner[0] ?? z.never(), inner[1] ?? z.never())).toContain('a.in.leaf was removed or renamed');
  });

  it('keeps the length of a tuple', () => {
    expect(found(z.tuple([z.int()]), z.tuple([z.int(), z.int()]))).toContain('a has 2 places instead of 1');
    expect(found(z.tuple([z.int(), z.int()]), z.tuple([z.int()]))).toContain('a has 1 places instead of 2');
  });

  it('names each field that is gone, and each that is demanded', () => {
    const renamed = z.object({ b: z.string() });
    expect(foundInPayload(z.object({ a: z.string() }), renamed)).toEqual([
      'a was removed or renamed',
      'b is new and required',
    ]);
  });

  it('counts as narrowed where nobody can tell', () => {
    const unheardOf = { type: 'object', maxContains: 3 };
    expect(findNarrowings({ type: 'object' }, unheardOf)).toEqual([
      'the payload has the maxContains 3 instead of none',
    ]);
    expect(findNarrowings(unheardOf, { type: 'object' })).toHaveLength(1);
  });
});
