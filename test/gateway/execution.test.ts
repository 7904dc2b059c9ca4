import { normalizedExecutor } from '@graphql-tools/executor';
import fc from 'fast-check';
import type { ExecutionResult, GraphQLField, GraphQLOutputType } from 'graphql';
import { getNamedType, isAbstractType, isLeafType, isObjectType, parse, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openExecutions } from '../../src/gateway/http/execution.ts';
import type { Context } from '../../src/graphql/context.ts';
import { schema } from '../../src/schema.ts';
import { eventually } from '../eventually.ts';
import { itHolds } from '../fuzz.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { contextFor } from '../graphql/context-for.ts';
import { offered, type Tour, tour } from '../journey/tour.ts';
import { operation, rootFields } from '../journey/walk.ts';

let gateway: TestGateway;
let toured: Tour;
beforeAll(async () => {
  gateway = await startGateway();
  toured = await tour(gateway);
  await offered(gateway, 'carrier-2');
  await eventually(async () => expect(await behind()).toEqual([]));
});

/** Read models that have not taken all that was recorded: their rows still change, and with them what is answered. */
async function behind(): Promise<unknown[]> {
  const { projections, vehicle } = await gateway.data(
    `query ($id: ID!) {
      projections { name state lagMs }
      vehicle(id: $id) { lastSequence history(first: 100) { nodes { sequence } } }
    }`,
    { id: toured.vehicleId },
  );
  const isBehind = ({ state, lagMs }: { state: string; lagMs: number }) =>
    !['inline', 'following'].includes(state) || lagMs > 0;
  const lasts = vehicle?.lastSequence === vehicle?.history.nodes.at(-1).sequence ? [] : [vehicle];
  return [...projections.filter(isBehind), ...lasts];
}
afterAll(() => gateway.close());

type Variables = Record<string, unknown>;
type MakeContext = () => Context;

const dispatcher: MakeContext = () => contextFor(gateway, 'dispatcher');
const carrier: MakeContext = () => contextFor(gateway, 'carrier', 'carrier-1');
const driver: MakeContext = () => contextFor(gateway, 'driver');

/** As the fast path executes it. */
async function execute(query: string, variables: Variables, contextValue: Context): Promise<ExecutionResult> {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);
  const operation = openExecutions(schema, () => document).of({ query, variables });
  if (operation === undefined) throw new Error('It is to be executed.');
  return operation.execute(contextValue);
}

async function interpret(
  query: string,
  variableValues: Variables,
  contextValue: Context,
): Promise<ExecutionResult> {
  const result = await normalizedExecutor({ schema, document: parse(query), variableValues, contextValue });
  if (!('data' in result) && !('errors' in result)) throw new Error('A stream.');
  return result;
}

/** A cursor of the log holds the moment up to which the log was read, which goes on between two readings. */
function textOf({ data, ...rest }: ExecutionResult): string {
  if (data?.events === undefined) return JSON.stringify({ data, ...rest });
  return JSON.stringify({ data, ...rest }, (key, value) => (/cursor$/i.test(key) ? typeof value : value));
}

/** @returns whether the answer has no errors */
async function expectSame(query: string, variables: Variables, context: MakeContext): Promise<boolean> {
  const own = await execute(query, variables, context());
  const interpreted = await interpret(query, variables, context());
  expect(textOf(own)).toBe(textOf(interpreted));
  // What the mask and the log see.
  expect(own.errors?.map((error) => error.originalError?.message)).toEqual(
    interpreted.errors?.map((error) => error.originalError?.message),
  );
  return own.errors === undefined;
}

describe('a query', () => {
  it('answers as the interpreter does, for every root field and all it can say', async () => {
    const { tenderId, vehicleId, offerId } = toured;
    const known = { id: tenderId, ids: [tenderId, vehicleId, offerId], vehicleId };
    const dates = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };
    let same = 0;
    for (const field of rootFields('query')) {
      const { document, variables } = operation('query', field, { ...known, ...dates });
      if (await expectSame(document, variables, dispatcher)) same += 1;
      await expectSame(document, variables, carrier);
      await expectSame(document, variables, driver);
    }
    expect(same).toBeGreaterThan(rootFields('query').length / 2);
  });

  it.each([
    ['a default value', 'query ($n: Int = 1) { tenders(first: $n) { nodes { id } } }', {}],
    [
      'null for what has a default',
      'query ($n: Int = 1) { tenders(first: $n) { nodes { id } } }',
      { n: null },
    ],
    [
      'one for a list',
      'query ($s: [TenderStatus!]) { tenders(filter: { status: $s }) { nodes { id } } }',
      { s: 'OFFERED' },
    ],
    [
      'an enum in a document',
      '{ tenders(orderBy: OLDEST_FIRST, filter: { status: [COMPLETED] }) { nodes { status } } }',
      {},
    ],
    [
      'an input object',
      'query ($f: TenderFilter) { tenders(filter: $f) { nodes { id } } }',
      { f: { fleetId: 'none' } },
    ],
    [
      'an unknown field of one',
      'query ($f: TenderFilter) { tenders(filter: $f) { nodes { id } } }',
      { f: { nonsense: 1 } },
    ],
    ['an absent variable', 'query ($a: String) { tenders(after: $a) { nodes { id } } }', {}],
    ['a missing one', 'query ($id: ID!) { tender(id: $id) { id } }', {}],
    ['one of another type', 'query ($n: Int) { tenders(first: $n) { nodes { id } } }', { n: '1' }],
    ['a number too large', 'query ($n: Int) { tenders(first: $n) { nodes { id } } }', { n: 2 ** 40 }],
    ['an id that is a number', 'query ($id: ID!) { tender(id: $id) { id } }', { id: 7 }],
    [
      'a date',
      'query ($d: DateTime) { events(filter: { recordedFrom: $d }) { nodes { type } } }',
      { d: '2020-01-01T00:00:00Z' },
    ],
    [
      'a date that is none',
      'query ($d: DateTime) { events(filter: { recordedFrom: $d }) { nodes { type } } }',
      { d: 'soon' },
    ],
    [
      'a prototype’s name',
      'query ($f: TenderFilter) { tenders(filter: $f) { nodes { id } } }',
      { f: JSON.parse('{"__proto__":{"a":1}}') },
    ],
    [
      'directives',
      'query ($y: Boolean!, $n: Boolean!) { a: __typename @skip(if: $y) b: __typename @include(if: $y) ... @include(if: $n) { c: __typename } tenders { nodes @skip(if: $n) { id } } }',
      { y: true, n: false },
    ],
    [
      'fields twice',
      '{ tenders { nodes { id } nodes { status id } } tenders { pageInfo { hasNextPage } } }',
      {},
    ],
    [
      'the schema',
      '{ __schema { types { name fields { name type { kind ofType { name } } } } } __type(name: "Tender") { name } }',
      {},
    ],
  ] as [string, string, Variables][])(
    'does with %s as the interpreter does',
    async (_what, text, variables) => {
      await expectSame(text, variables, dispatcher);
    },
  );

  it('batches what the interpreter batches', async () => {
    const query = '{ tenders { nodes { vehicle { id } offers { id } } } a: tender(id: "x") { id } }';
    const reads = async (run: () => Promise<ExecutionResult>): Promise<number> => {
      const byIds = vi.spyOn(gateway.store.rowReads, 'byIds');
      expect((await run()).errors).toBeUndefined();
      const { length } = byIds.mock.calls;
      byIds.mockRestore();
      return length;
    };
    const interpreted = await reads(() => interpret(query, {}, dispatcher()));
    expect(interpreted).toBeGreaterThan(0);
    expect(await reads(() => execute(query, {}, dispatcher()))).toBe(interpreted);
  });

  itHolds('made of random fields answers as the interpreter does', { numRuns: 60 }, () =>
    fc.asyncProperty(fc.infiniteStream(fc.nat(1_000)), fc.boolean(), async (numbers, isCarrier) => {
      const { document, variables } = randomQuery(numbers);
      await expectSame(document, variables, isCarrier ? carrier : dispatcher);
    }),
  );
});

describe('a mutation', () => {
  /** Everything that is not there: whatever is asked of it is refused, however often. */
  const unknown = {
    id: 'x',
    tenderId: 'x',
    offerId: 'x',
    vehicleId: 'x',
    occurredAt: '2020-01-01T00:00:00Z',
    idempotencyKey: 'again',
  };
  /** The store of one whose every use is a bug of ours. */
  const broken: MakeContext = () => {
    const store = new Proxy(dispatcher().store, {
      get() {
        throw new Error('A bug.');
      },
    });
    return { ...dispatcher(), store };
  };

  it.each<[string, MakeContext]>([
    ['a dispatcher', dispatcher],
    ['a carrier', carrier],
    ['nobody', () => ({ ...dispatcher(), access: null })],
    ['someone who meets a bug', broken],
  ])('answers %s as the interpreter does, its errors and their places included', async (_who, context) => {
    for (const field of rootFields('mutation')) {
      if (['createTender', 'registerVehicle', 'planRoute'].includes(field.name)) continue;
      const { document, variables } = operation('mutation', field, unknown);
      await expectSame(document.replaceAll('{ ', '{\n '), variables, context);
    }
  });

  it('begins nothing, and has no data, where a variable does not fit', async () => {
    const query = 'mutation ($i: TrackLocationsInput!) { trackLocations(input: $i) { recorded } }';
    const result = await execute(query, { i: { fixes: [{ longitude: 'x' }] } }, broken());
    expect(result.data).toBeUndefined();
    expect(result.errors).not.toHaveLength(0);
  });

  const register = (alias: string, plate: string, selected: string): string =>
    `${alias}: registerVehicle(input: { licensePlate: "${plate}" }) { __typename ... on VehiclePayload { ${selected} } }`;

  it('does one field after another', async () => {
    const plate = `SERIAL-${toured.vehicleId.slice(-6)}`;
    const query = `mutation { ${['a', 'b'].map((alias) => register(alias, plate, 'repeated')).join(' ')} }`;
    const result = await execute(query, {}, dispatcher());
    expect(result.data?.a).toEqual({ __typename: 'VehiclePayload', repeated: false });
    expect(result.data?.b).toEqual({ __typename: 'Conflict' });
  });

  it('is done once, and nothing after it, where showing what came of it fails', async () => {
    const [first, second] = ['A', 'B'].map((letter) => `ONCE-${letter}${toured.vehicleId.slice(-6)}`);
    // The condition is null, and is asked for only below the first vehicle.
    const query = `mutation ($yes: Boolean = true) {
      ${register('a', first ?? '', 'vehicle { id @include(if: $yes) }')} ${register('b', second ?? '', 'repeated')} }`;
    const count = () =>
      gateway.database.db.collection('events').countDocuments({ type: 'VehicleRegistered' });
    const before = await count();
    const result = await execute(query, { yes: null }, dispatcher());
    expect(result).toMatchObject({ data: null, errors: [{ path: ['a', 'vehicle'] }] });
    expect(await count()).toBe(before + 1);
    // What the interpreter does not come to is not done.
    expect(
      (await execute(`mutation { ${register('b', second ?? '', 'repeated')} }`, {}, dispatcher())).data?.b,
    ).toEqual({ __typename: 'VehiclePayload', repeated: false });
  });
});

/** A document made of what the schema has: aliases, fragments on types, directives with variables, fields twice. */
function randomQuery(numbers: Iterator<number>): { document: string; variables: Variables } {
  const pick = (below: number): number => (numbers.next().value ?? 0) % below;
  let aliases = 0;
  const directive = () =>
    ['', '', '', ' @include(if: $yes)', ' @skip(if: $yes)', ' @skip(if: $no)'][pick(6)] ?? '';
  const field = (each: GraphQLField<unknown, unknown>, depth: number): string => {
    aliases += 1;
    return `f${aliases}: ${each.name}${directive()} ${below(each.type, depth - 1)}`;
  };
  const below = (type: GraphQLOutputType, depth: number): string => {
    const named = getNamedType(type);
    if (isLeafType(named)) return '';
    const types = isAbstractType(named) ? schema.getPossibleTypes(named) : isObjectType(named) ? [named] : [];
    const parts = types.map((object) => {
      const fields = Object.values(object.getFields()).filter(
        (each) => each.args.length === 0 && (depth > 0 || isLeafType(getNamedType(each.type))),
      );
      const chosen = fields.filter(() => pick(3) === 0).map((each) => field(each, depth));
      return `... on ${object.name}${directive()} { __typename ${chosen.join(' ')} }`;
    });
    return `{ __typename ${parts.join(' ')} }`;
  };
  const { tenderId, vehicleId } = toured;
  const roots = [
    `a: tender(id: "${tenderId}")`,
    `b: vehicle(id: "${vehicleId}")`,
    'c: tenders(first: 2)',
    `d: nodes(ids: ["${vehicleId}", "${tenderId}", "x"])`,
    'e: vehicles',
    'f: fleets',
  ];
  const asked = roots
    .filter(() => pick(2) === 0)
    .map((root) => {
      const name = /: (\w+)/.exec(root)?.[1] ?? '';
      const type = schema.getQueryType()?.getFields()[name]?.type;
      return type === undefined ? '' : `${root}${directive()} ${below(type, 3)}`;
    });
  const document = `query ($yes: Boolean = true, $no: Boolean!) { __typename x: __typename @include(if: $yes) y: __typename @skip(if: $no) ${asked.join(' ')} }`;
  return { document, variables: { no: pick(2) === 0 } };
}
