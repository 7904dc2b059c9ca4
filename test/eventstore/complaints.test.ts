import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { complaintOf } from '../../src/eventstore/payload.ts';
import { openRegistry } from '../../src/eventstore/registry.ts';
import { eventDefinitions } from '../../src/model.ts';

/** A field's name, and what is said of it, as one sentence of ours. */
const SENTENCE = /^[\w.]+ (must|has|is) .*\.$/;
/** Words that the library begins its own messages with, or uses in them. */
const LIBRARY = /invalid|expected|received|too (small|big)|unrecognized|>=|<=|\bto have\b/i;

type JsonSchema = {
  readonly properties?: Record<string, JsonSchema>;
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
};

/** Values that fit few schemas, for every field of a payload, in lists of different lengths. */
const ODD: readonly unknown[] = [
  undefined,
  null,
  true,
  '',
  ' ',
  'nonsense',
  'x'.repeat(10_000),
  'half \ud800',
  -1e13,
  0,
  1.5,
  1e13,
  Number.NaN,
  new Date(Number.NaN),
  new Date(0),
  [],
  {},
];

function filled(schema: JsonSchema, value: unknown, length: number): unknown {
  if (schema.properties !== undefined)
    return Object.fromEntries(
      Object.entries(schema.properties).map(([name, field]) => [name, filled(field, value, length)]),
    );
  const item = schema.items ?? schema.prefixItems?.[0];
  return item === undefined || length < 0 ? value : Array.from({ length }, () => filled(item, value, length));
}

function* refusedBy(payload: z.ZodType): Generator<z.core.$ZodIssue> {
  const schema = z.toJSONSchema(payload, { unrepresentable: 'any' }) as JsonSchema;
  const tries = [
    ...ODD,
    ...ODD.flatMap((odd) => [-1, 0, 1, 3, 600].map((length) => filled(schema, odd, length))),
  ];
  for (const value of tries) yield* payload.safeParse(value).error?.issues ?? [];
}

const all = openRegistry(eventDefinitions).all;

describe('what a schema of events refuses', () => {
  it.each(all.map((definition) => [`${definition.type}.v${definition.version}`, definition] as const))(
    '%s is said in a sentence of our own',
    (_, { payload }) => {
      for (const issue of refusedBy(payload)) {
        const { message } = complaintOf(new z.core.$ZodRealError([issue]));
        expect(message).toMatch(SENTENCE);
        expect(message).not.toMatch(LIBRARY);
      }
    },
  );

  it('is of every kind that these schemas have', () => {
    const kinds = new Set(all.flatMap(({ payload }) => [...refusedBy(payload)].map(({ code }) => code)));
    expect([...kinds].sort()).toEqual([
      'custom',
      'invalid_format',
      'invalid_type',
      'invalid_value',
      'too_big',
      'too_small',
    ]);
  });
});

describe('a complaint', () => {
  it.each<[z.ZodType, unknown, string]>([
    [z.object({ a: z.array(z.string()).min(2) }), { a: ['x'] }, 'a must have at least 2 entries.'],
    [z.object({ a: z.array(z.string()).max(1) }), { a: ['x', 'y'] }, 'a must have at most 1 entry.'],
    [z.object({ a: z.string() }), {}, 'a is missing.'],
    [z.object({ a: z.object({ b: z.int() }) }), { a: { b: 1.5 } }, 'a.b must be a whole number.'],
    [z.object({ a: z.number() }), { a: Number.NaN }, 'a must be a number.'],
    [z.object({ a: z.number().positive() }), { a: 0 }, 'a must be more than 0.'],
    [z.object({ a: z.number().lt(5) }), { a: 5 }, 'a must be less than 5.'],
    [z.object({ a: z.number().max(1_000_000) }), { a: 1e9 }, 'a must be at most 1,000,000.'],
    [z.object({ a: z.number().multipleOf(5) }), { a: 7 }, 'a must be a multiple of 5.'],
    [
      z.object({ a: z.date().min(new Date(0)) }),
      { a: new Date(-1) },
      'a must be no earlier than 1970-01-01T00:00:00.000Z.',
    ],
    [z.object({ a: z.enum(['X', 'Y']) }), { a: 'Z' }, 'a must be one of X, Y.'],
    [z.object({ a: z.email() }), { a: 'b' }, 'a has the wrong form.'],
    [z.object({ a: z.union([z.string(), z.number()]) }), { a: true }, 'a is none of what it may be.'],
    [z.strictObject({}), { b: 1 }, 'It must not have a field b.'],
    [z.record(z.string().max(1), z.number()), { bb: 1 }, 'bb has a field whose name is malformed.'],
    [z.map(z.string(), z.number()), new Map([[{}, 1]]), 'It has a field whose name is malformed.'],
    [z.string().refine(() => false), 'x', 'It is malformed.'],
    [z.bigint(), 1, 'It must be of another type.'],
  ])('%# is a sentence', (schema, value, sentence) => {
    const { error } = schema.safeParse(value);
    if (error === undefined) throw new Error('It fits.');
    expect(complaintOf(error).message).toBe(sentence);
  });
});
