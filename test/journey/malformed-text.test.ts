import { type GraphQLInputType, getNamedType, isInputObjectType, isUnionType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema.ts';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { REGISTER, TRACK_ALL } from '../vehicle/documents.ts';
import { LOAD, tenderMutation } from './documents.ts';

const HALF = 'half \ud83d';

let gateway: TestGateway;
let token: string;
beforeAll(async () => {
  gateway = await startGateway();
  token = await gateway.token();
});
afterAll(() => gateway.close());

const events = () => gateway.store.events.countDocuments();

function post(body: Buffer<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body,
  });
}

/** Every text in an input type, as the path to it and the least input that has it. */
function textsOf(type: GraphQLInputType | undefined, depth = 0): { path: string; value: unknown }[] {
  const named = getNamedType(type);
  const isList = String(type).startsWith('[');
  if (named === undefined) return [];
  if (named.name === 'String' || named.name === 'ID')
    return [{ path: isList ? '0' : '', value: isList ? [HALF] : HALF }];
  if (!isInputObjectType(named) || depth > 2) return [];
  return Object.values(named.getFields()).flatMap((field) =>
    textsOf(field.type, depth + 1).map(({ path, value }) => {
      const below = `${field.name}${path === '' ? '' : `.${path}`}`;
      const object = { [field.name]: value };
      return isList ? { path: `0.${below}`, value: [object] } : { path: below, value: object };
    }),
  );
}

/** The least value of a type: what a mutation must be given beside the text that is looked at. */
function least(type: GraphQLInputType): unknown {
  const text = String(type);
  if (!text.endsWith('!')) return undefined;
  if (text.startsWith('[')) return [];
  const named = getNamedType(type);
  if (isInputObjectType(named)) return filled(type, {});
  if ('getValues' in named) return named.getValues()[0]?.name;
  if (named.name === 'Boolean') return true;
  if (named.name === 'Int' || named.name === 'Float') return 1;
  return named.name === 'DateTime' ? '2026-01-01T00:00:00Z' : 'x';
}

function filled(type: GraphQLInputType | undefined, given: Record<string, unknown>): Record<string, unknown> {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return given;
  const entries = Object.values(named.getFields()).map((field) => {
    const value = given[field.name];
    if (value === undefined) return [field.name, least(field.type)];
    const inner = (one: unknown) =>
      typeof one === 'object' && one !== null ? filled(field.type, one as Record<string, unknown>) : one;
    return [field.name, Array.isArray(value) ? value.map(inner) : inner(value)];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

const mutations = Object.values(schema.getMutationType()?.getFields() ?? {})
  .filter((field) => isUnionType(getNamedType(field.type)))
  .flatMap((field) => {
    const input = field.args.find(({ name }) => name === 'input')?.type;
    return textsOf(input).map(({ path, value }) => [field.name, path, String(input), value, input] as const);
  });

describe('half of a surrogate pair in a command', () => {
  it.each(mutations)('%s, in %s, is refused by its name', async (name, path, inputType, value, input) => {
    const before = await events();
    const variables = { input: filled(input, value as Record<string, unknown>) };
    const document = `mutation ($input: ${inputType}) { result: ${name}(input: $input) { ... on Refusal { code message } ... on InvalidInput { field } } }`;
    const { result } = await gateway.data(document, variables);
    expect(result).toEqual({
      code: 'INVALID_INPUT',
      field: path,
      message: `${path} must be well-formed Unicode: it holds half of a surrogate pair.`,
    });
    expect(await events()).toBe(before);
  });

  it('costs a batch of fixes only the fix that has it', async () => {
    await gateway.data(REGISTER, { input: { licensePlate: 'WELL-1' } });
    const plain = { licensePlate: 'WELL-1', longitude: 13.4, latitude: 52.5 };
    const texts = [{ deviceId: HALF }, { idempotencyKey: HALF }, { licensePlate: HALF }];
    const fixes = [plain, ...texts.map((text) => ({ ...plain, ...text })), plain];
    const { result } = await gateway.data(TRACK_ALL, { input: { fixes } });
    expect(result.recorded).toBe(2);
    expect(result.refused).toEqual(
      ['deviceId', 'idempotencyKey', 'licensePlate'].map((name, index) => ({
        index: index + 1,
        code: 'INVALID_INPUT',
        message: `${name} must be well-formed Unicode: it holds half of a surrogate pair.`,
      })),
    );
    const keyed = await gateway.graphql(TRACK_ALL, { input: { fixes: [plain], idempotencyKey: HALF } });
    expect(keyed.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', field: 'idempotencyKey' });
  });

  it('is no literal of a document, as an escape or as it is', async () => {
    for (const half of ['\\ud83d', '\ud83d']) {
      const query = `mutation { createTender(input: { reference: "${half}", stops: [] }) { __typename } }`;
      const answer = await gateway.graphql(query);
      expect(answer.data ?? null).toBeNull();
      expect(answer.errors?.[0]?.message).toMatch(/^Syntax Error: Invalid/);
    }
  });
});

describe('half of a surrogate pair in what is asked for', () => {
  it.each([
    ['query ($t: [String!]) { tenders(filter: { fleetId: $t }) { nodes { id } } }', 'filter.fleetId.0'],
    ['query ($t: [String!]) { vehicles(filter: { fleetId: $t }) { nodes { id } } }', 'filter.fleetId.0'],
    ['query ($t: [String!]) { events(filter: { actorId: $t }) { nodes { id } } }', 'filter.actorId.0'],
  ])('%s is refused', async (query, field) => {
    const answer = await gateway.graphql(query, { t: [HALF] });
    expect(answer.status).toBe(400);
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', field });
  });

  it('is refused in a subscription, too', async () => {
    const query = 'subscription ($t: [String!]) { tenderChanges(filter: { fleetId: $t }) { __typename } }';
    const results: Data[] = [];
    for await (const result of gateway.socket(token).iterate({ query, variables: { t: [HALF] } }))
      results.push(result);
    expect(results[0].errors[0].extensions).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'filter.fleetId.0',
    });
  });
});

describe('a body that is not UTF-8', () => {
  it('is refused, whatever it is answered by', async () => {
    const before = await events();
    const [head, tail] = JSON.stringify({
      query: tenderMutation('createTender'),
      variables: { input: { ...LOAD, reference: 'HERE' } },
    }).split('HERE');
    for (const bytes of [[0xed, 0xa0, 0xbd], [0xff], [0xc3]]) {
      const body = Buffer.concat([Buffer.from(head ?? ''), Buffer.from(bytes), Buffer.from(tail ?? '')]);
      for (const headers of [{}, { origin: gateway.url.replace('/graphql', '') }]) {
        const answer = await post(body, headers);
        expect(answer.status).toBe(400);
        const { errors } = (await answer.json()) as Data;
        expect(errors[0]).toMatchObject({
          message: 'The body of the request must be UTF-8.',
          extensions: { code: 'INVALID_INPUT' },
        });
      }
    }
    expect(await events()).toBe(before);
  });
});

describe('text that is unusual and well formed', () => {
  it.each([
    ['a pair', '🚚 load'],
    ['a replacement character', 'was \ufffd once'],
    ['names of fields and operators', '$where.a.b'],
  ])('with %s is stored as it is given', async (_, reference) => {
    const { result } = await gateway.data(tenderMutation('createTender'), {
      input: { ...LOAD, reference, fleetId: reference, idempotencyKey: reference },
    });
    const { id } = result.tender;
    const query =
      'query ($id: ID!, $f: [String!]) { tender(id: $id) { reference } tenders(filter: { fleetId: $f }) { nodes { id } } }';
    expect(await gateway.data(query, { id, f: [reference] })).toEqual({
      tender: { reference },
      tenders: { nodes: [{ id }] },
    });
  });
});
