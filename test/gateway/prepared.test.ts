import { normalizedExecutor } from '@graphql-tools/executor';
import fc, { type GeneratorValue } from 'fast-check';
import { buildSchema, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openExecutions } from '../../src/gateway/http/execution.ts';
import { schema } from '../../src/schema.ts';
import { itHolds } from '../fuzz.ts';
import { puppetSchema, type World } from './puppet-schema.ts';
import { type RandomOperation, randomOperation } from './random-document.ts';

/** What our schema has none of: defaults of all kinds, lists of lists, types within themselves. */
const ODD = buildSchema(`
  enum Kind { ONE TWO }
  input Inner { n: Int! = 5, kind: Kind = TWO, list: [Int!] = [1, 2], again: Inner, words: [[String]!] }
  input Outer { required: Inner!, float: Float = 1, inner: Inner = { n: 3 }, inners: [Inner!], ids: [ID] }
  interface Named { name(of: Outer = { required: {} }): String, named: Named }
  type Thing implements Named { name(of: Outer = { required: {} }, kind: Kind! = ONE): String, named: Named, things: [[Thing!]]!, some: Any! }
  type Other implements Named { name(of: Outer = { required: {} }): String, named: Thing, code: Float! }
  union Any = Thing | Other
  type Query { thing(outer: Outer, n: Int! = 1, list: [[Int]]): Thing, named: [Named]!, any(kinds: [Kind!]! = [ONE]): Any, must(inner: Inner!): Any! }
  type Mutation { change(outer: Outer!): Thing, must(inner: Inner): Other!, go: Boolean! }
`);

interface Case {
  readonly name: string;
  readonly puppet: GraphQLSchema;
}
const cases: readonly Case[] = [
  { name: 'our schema', puppet: puppetSchema(schema) },
  { name: 'a schema of oddities', puppet: puppetSchema(ODD) },
];

const world = (seed: number, failing: number): World => ({ seed, failing, calls: [] });

/** What nobody handled, of what we have made. */
const unhandled: unknown[] = [];
let listeners: NodeJS.UnhandledRejectionListener[] = [];
beforeAll(() => {
  listeners = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (error) => {
    // The interpreter leaves the error of a list's item unhandled where another item fails at once.
    if (!(error instanceof GraphQLError && error.path !== undefined)) unhandled.push(error);
  });
});
afterAll(() => {
  process.removeAllListeners('unhandledRejection');
  for (const listener of listeners) process.on('unhandledRejection', listener);
  expect(unhandled).toEqual([]);
});

/** What would be sent; an alias that JavaScript has a use for makes the interpreter throw. */
async function textOf(execute: () => unknown): Promise<string> {
  try {
    return JSON.stringify(await execute());
  } catch (error) {
    return `thrown: ${error}`;
  }
}

/** How often an answer without errors was given at once, and how often it was left to the interpreter. */
interface Tally {
  atOnce: number;
  left: number;
}

/** Executes both ways, as often as there are variables. */
async function expectSame(
  puppet: GraphQLSchema,
  { query, variables }: RandomOperation,
  seed: number,
  failing: number,
  tally: Tally,
): Promise<void> {
  const document = parse(query);
  const executions = openExecutions(puppet, () => document);
  for (const [index, variableValues] of variables.entries()) {
    const own = world(seed + index, failing);
    const interpreted = world(seed + index, failing);
    const operation = executions.of({ query, variables: variableValues });
    const answer = await textOf(() => operation?.execute(own as never));
    const expected = await textOf(() =>
      normalizedExecutor({ schema: puppet, document, variableValues, contextValue: interpreted }),
    );
    const about = `${query} ${JSON.stringify(variableValues)}`;
    expect(answer, about).toBe(expected);
    expectSameCalls(own, interpreted, expected.startsWith('{"data":'), about);
    if (document.definitions.some((node) => 'operation' in node && node.operation === 'mutation'))
      expect(own.calls.filter(isOfRoot), about).toEqual(interpreted.calls.filter(isOfRoot));
    if (expected.startsWith('{"data":'))
      tally[own.calls.length === interpreted.calls.length ? 'atOnce' : 'left'] += 1;
  }
}

/**
 * Where nothing fails, just what the interpreter calls. Where something does, some more may have been called by then: fields
 * that the interpreter, which ends at another place, does not come to.
 */
function expectSameCalls(own: World, interpreted: World, isWhole: boolean, about: string): void {
  const called = new Set(own.calls);
  if (isWhole) expect(called, about).toEqual(new Set(interpreted.calls));
  else
    expect(
      interpreted.calls.filter((call) => !called.has(call)),
      about,
    ).toEqual([]);
}

/** The root fields of a mutation are called once, whatever comes of what is below them, and in order. */
function isOfRoot(call: string): boolean {
  return call.includes('} Mutation.');
}

describe.each(cases)('what is known of a document before it is executed: $name', ({ puppet }) => {
  const tally = { all: 0, valid: 0, atOnce: 0, left: 0 };
  itHolds(
    'leads to the answers of the interpreter, and to the same calls of resolvers',
    { numRuns: 120, endOnFailure: true },
    () =>
      fc.asyncProperty(
        fc.gen(),
        fc.constantFrom('query', 'mutation'),
        fc.nat(),
        fc.constantFrom(0, 0, 5, 100),
        async (g: GeneratorValue, kind, seed, failing) => {
          const operation = randomOperation(g, puppet, kind);
          tally.all += 1;
          if (validate(puppet, parse(operation.query)).length > 0) return;
          tally.valid += 1;
          await expectSame(puppet, operation, seed, failing, tally);
        },
      ),
    () => {
      expect(tally.valid / tally.all).toBeGreaterThan(0.5);
      expect(tally.atOnce).toBeGreaterThan(10 * tally.left);
    },
  );
});

describe('a document that is like few others', () => {
  const [ours, odd] = cases.map(({ puppet }) => puppet);
  const often = (count: number, text: string): string => Array.from({ length: count }, () => text).join(' ');
  /** Selects a thousand fields in a few words. */
  const wide = (below: string): string =>
    `{ ${Array.from({ length: 10 }, (_, n) => `a${n}: tenders { ...T }`).join(' ')} }
      fragment T on TenderConnection { ${Array.from({ length: 10 }, (_, n) => `b${n}: edges { ...E }`).join(' ')} }
      fragment E on TenderEdge { ${below} }`;

  it.each([
    [
      'has names that JavaScript has a use for',
      ours,
      '{ __proto__: __typename tenders { __proto__: __typename a: __typename } }',
    ],
    ['names something then', ours, '{ then: __typename a: tenders { pageInfo { then: hasNextPage } } }'],
    [
      'names it so below a mutation',
      odd,
      'mutation { go again: go must(inner: {}) { then: code code } change(outer: { required: {} }) { name } }',
    ],
    [
      'selects far more than it says',
      ours,
      wide(Array.from({ length: 10 }, (_, n) => `c${n}: cursor`).join(' ')),
    ],
    ['says the same again and again', ours, `{ ${often(50, 'tenders { pageInfo { hasNextPage } }')} }`],
    [
      'is about the schema',
      ours,
      '{ __schema { types { name fields { name type { name kind } } } } __type(name: "Tender") { name } }',
    ],
  ])('is answered as by the interpreter: it %s', async (_what, puppet, query) => {
    if (puppet === undefined) throw new Error('There is a schema.');
    const variables = [{}, {}, {}];
    expect(validate(puppet, parse(query))).toEqual([]);
    for (let seed = 0; seed < 10; seed += 1)
      await expectSame(puppet, { query, variables }, seed, 0, { atOnce: 0, left: 0 });
  });
});
