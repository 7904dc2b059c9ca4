import { normalizedExecutor } from '@graphql-tools/executor';
import fc from 'fast-check';
import type { GraphQLField, GraphQLOutputType } from 'graphql';
import {
  type DocumentNode,
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../src/eventstore/event.ts';
import { asInterpreted, compilable, compileDocument } from '../../src/gateway/http/execution.ts';
import type { Context } from '../../src/graphql/context.ts';
import { schema } from '../../src/schema.ts';
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
});
afterAll(() => gateway.close());

type Variables = Record<string, unknown>;

/** Executes in both ways. @returns the texts that would be sent; none where the compiled one leaves it to the other */
async function bothWays(document: DocumentNode, variableValues: Variables, role: Role, carrierId?: string) {
  expect(validate(schema, document)).toEqual([]);
  expect(compilable(document)).toBeDefined();
  const compiled = compileDocument(schema, document);
  if (compiled === undefined) throw new Error('The compiler does not know how.');
  const own = await compiled(contextFor(gateway, role, carrierId), variableValues);
  const contextValue = contextFor(gateway, role, carrierId);
  const interpreted = await normalizedExecutor({ schema, document, contextValue, variableValues });
  if (!('data' in interpreted) && !('errors' in interpreted)) throw new Error('A stream.');
  return { own, interpreted };
}

/** Both answer the same, or both have errors: what has, is the interpreter's to answer. */
async function expectSame(document: DocumentNode, variables: Variables, role: Role, carrierId?: string) {
  const { own, interpreted } = await bothWays(document, variables, role, carrierId);
  expect(own.errors === undefined).toBe(interpreted.errors === undefined);
  if (own.errors === undefined) expect(JSON.stringify(own)).toBe(JSON.stringify(interpreted));
  return own.errors === undefined;
}

describe('a compiled query', () => {
  it('answers as the interpreter does, for every root field and all it can say', async () => {
    const { tenderId, vehicleId, offerId } = toured;
    const known = { id: tenderId, ids: [tenderId, vehicleId, offerId], vehicleId };
    const dates = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };
    let same = 0;
    for (const field of rootFields('query')) {
      const { document, variables } = operation('query', field, { ...known, ...dates });
      if (await expectSame(parse(document), variables, 'dispatcher')) same += 1;
      await expectSame(parse(document), variables, 'carrier', 'carrier-1');
      await expectSame(parse(document), variables, 'driver');
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
      await expectSame(parse(text), variables, 'dispatcher');
    },
  );

  it('batches what the interpreter batches', async () => {
    const document = parse(
      '{ tenders { nodes { vehicle { id } offers { id } } } a: tender(id: "x") { id } }',
    );
    const reads = async (run: () => unknown): Promise<number> => {
      let count = 0;
      const { rowReads } = gateway.store;
      const byIds = rowReads.byIds;
      Object.assign(rowReads, {
        byIds: (...args: Parameters<typeof byIds>) => {
          count += 1;
          return byIds(...args);
        },
      });
      await run();
      Object.assign(rowReads, { byIds });
      return count;
    };
    const compiled = compileDocument(schema, document);
    const interpreted = await reads(() =>
      normalizedExecutor({ schema, document, contextValue: contextFor(gateway, 'dispatcher') }),
    );
    expect(await reads(() => compiled?.(contextFor(gateway, 'dispatcher'), {}))).toBe(interpreted);
  });

  it('answers random documents as the interpreter does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat(1_000)), fc.boolean(), async (numbers, isCarrier) => {
        const { document, variables } = randomQuery(numbers);
        await (isCarrier
          ? expectSame(parse(document), variables, 'carrier', 'carrier-1')
          : expectSame(parse(document), variables, 'dispatcher'));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a compiled mutation', () => {
  /** Everything that is not there: whatever is asked of it is refused, however often. */
  const unknown = {
    id: 'x',
    tenderId: 'x',
    offerId: 'x',
    vehicleId: 'x',
    occurredAt: '2020-01-01T00:00:00Z',
    idempotencyKey: 'again',
  };

  /** As both ways answer, the compiled one with its errors as the interpreter puts them. */
  async function mutateBoth(text: string, variableValues: Variables, context: () => Context) {
    const document = parse(text);
    expect(compilable(document)).toBe('mutation');
    const own = await compileDocument(schema, document)?.(context(), variableValues);
    const contextValue = context();
    const interpreted = await normalizedExecutor({ schema, document, contextValue, variableValues });
    if (own === undefined || !('data' in interpreted)) throw new Error('Both were to answer.');
    return {
      own: { ...own, errors: own.errors?.map((error) => asInterpreted(error, document)) },
      interpreted,
    };
  }

  /** The store of one whose every use is a bug of ours. */
  const broken = (): Context => {
    const store = new Proxy(contextFor(gateway, 'dispatcher').store, {
      get() {
        throw new Error('A bug.');
      },
    });
    return { ...contextFor(gateway, 'dispatcher'), store };
  };

  it.each<[string, () => Context]>([
    ['a dispatcher', () => contextFor(gateway, 'dispatcher')],
    ['a carrier', () => contextFor(gateway, 'carrier', 'carrier-1')],
    ['nobody', () => ({ ...contextFor(gateway, 'dispatcher'), access: null })],
    ['someone who meets a bug', broken],
  ])('answers %s as the interpreter does, its errors and their places included', async (_who, context) => {
    for (const field of rootFields('mutation')) {
      if (field.name === 'createTender' || field.name === 'registerVehicle' || field.name === 'planRoute')
        continue;
      const { document, variables } = operation('mutation', field, unknown);
      const { own, interpreted } = await mutateBoth(document.replaceAll('{ ', '{\n '), variables, context);
      expect(JSON.parse(JSON.stringify(own)), field.name).toEqual(JSON.parse(JSON.stringify(interpreted)));
      expect(own.errors?.map((error) => error.originalError?.message)).toEqual(
        interpreted.errors?.map((error) => error.originalError?.message),
      );
    }
  });

  it('begins nothing, and has no data, where a variable does not fit', async () => {
    const document = parse('mutation ($i: TrackLocationsInput!) { trackLocations(input: $i) { recorded } }');
    const result = await compileDocument(schema, document)?.(broken(), {
      i: { fixes: [{ longitude: 'x' }] },
    });
    expect(result?.data).toBeUndefined();
    expect(result?.errors).not.toHaveLength(0);
  });

  it('does one field after another', async () => {
    const plate = `SERIAL-${toured.vehicleId.slice(0, 4)}`;
    const text = `mutation { ${['a', 'b'].map((alias) => `${alias}: registerVehicle(input: { licensePlate: "${plate}" }) { __typename }`).join(' ')} }`;
    const result = await compileDocument(schema, parse(text))?.(contextFor(gateway, 'dispatcher'), {});
    expect(result?.data?.a).toEqual({ __typename: 'VehiclePayload' });
    expect(result?.data?.b).toEqual({ __typename: 'Conflict' });
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
