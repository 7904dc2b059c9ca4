import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/eventstore/clock.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { encodeCursor } from '../../src/graphql/paging.ts';
import { startGateway, type TestGateway } from '../gateway.ts';

const REGISTER = `mutation ($plate: String!) {
  registerVehicle(input: { licensePlate: $plate }) {
    __typename
    ... on VehiclePayload { vehicle { id } events { id } }
  }
}`;
const POLL = `query ($filter: EventFilter, $first: Int, $after: String) {
  events(filter: $filter, first: $first, after: $after) {
    edges { cursor node { id type } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

const ahead: Clock = { now: () => Date.now() + 45_000, skewMs: () => 45_000 };
let gateway: TestGateway;
let other: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
  other = await startGateway({ database: gateway.database, clock: ahead });
});
afterAll(async () => {
  await other.close();
  await gateway.close();
});

/** @returns the ids of the events, the plate's and the vehicle's */
async function register(at: TestGateway): Promise<string[]> {
  const { registerVehicle } = await at.data(REGISTER, { plate: `P ${newId().slice(-8)}` });
  return registerVehicle.events.map(({ id }: { id: string }) => id);
}

async function poll(at: TestGateway, after?: string | null, first = 50, filter?: object) {
  const { events } = await at.data(POLL, { after, first, filter }, await at.token({ role: 'admin' }));
  const ids: string[] = events.edges.map(({ node }: { node: { id: string } }) => node.id);
  return { ids, edges: events.edges, ...events.pageInfo };
}

describe('T-03 a client that polls the log of two gateways, clocks 45 s apart', () => {
  it('is shown every event once, whichever gateway it asks and whichever wrote it', async () => {
    let { endCursor: cursor } = await poll(gateway);
    for (const [writer, reader] of [
      [other, gateway],
      [gateway, other],
      [gateway, gateway],
      [other, other],
      [gateway, other],
    ] as const) {
      const written = await register(writer);
      const page = await poll(reader, cursor);
      expect(page.ids.toSorted()).toEqual(written.toSorted());
      expect(page).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
      cursor = page.endCursor;
    }
    expect(await poll(gateway, cursor)).toMatchObject({ ids: [], hasNextPage: false, startCursor: null });
  });

  it('may go on from any edge, and asks for no more than it wants', async () => {
    const { endCursor } = await poll(gateway);
    await register(gateway);
    await register(other);
    const { edges, ids } = await poll(gateway, endCursor);
    for (const [index, { cursor }] of edges.entries())
      expect((await poll(other, cursor)).ids).toEqual(ids.slice(index + 1));
    expect(await poll(gateway, endCursor, 0)).toMatchObject({ ids: [], hasNextPage: true });
    expect(await poll(gateway, endCursor, 3)).toMatchObject({ ids: ids.slice(0, 3), hasNextPage: true });
  });

  it('waits with a filter from the beginning on, and is shown the first event that fits', async () => {
    const filter = { reasonCode: ['NOBODY_GIVES_THIS'] };
    const first = await poll(gateway, null, 10, filter);
    expect(first).toMatchObject({ ids: [], hasNextPage: false, endCursor: expect.any(String) });
    expect(await poll(gateway, first.endCursor, 10, filter)).toMatchObject({ ids: [] });
  });
});

describe('a cursor from before events were stamped', () => {
  it('is gone on from: at the event that it names', async () => {
    const written = [...(await register(gateway)), ...(await register(gateway))];
    const { ids } = await poll(gateway, null, 200);
    const back = written.length - 1;
    const [event] = await gateway.store.events.find().sort({ loggedAt: -1 }).skip(back).limit(1).toArray();
    const older = encodeCursor([event?.recordedAt, event?._id.toString()]);
    expect((await poll(gateway, older)).ids).toEqual(ids.slice(-back));
  });

  it('may name one without a stamp: all that have one come behind it', async () => {
    const { ids } = await poll(gateway, null, 200);
    const older = encodeCursor([new Date(0), newId()]);
    expect((await poll(gateway, older, 200)).ids).toEqual(ids);
  });
});

describe('what is no cursor of the log', () => {
  it.each([
    ['text', 'nonsense'],
    ['a cursor of another list', encodeCursor(['a', 'b', 'c'])],
    ['bytes that say more than is there', Buffer.from([1, 3, 0, 0]).toString('base64url')],
    ['parts that there are not', Buffer.from([1, 4]).toString('base64url')],
    [
      'more events than a cursor names',
      Buffer.concat([Buffer.from([1, 0]), Buffer.alloc(24 * 501)]).toString('base64url'),
    ],
    [
      'a moment that is none',
      Buffer.concat([Buffer.from([1, 1]), Buffer.alloc(24, 0x7f)]).toString('base64url'),
    ],
  ])('is refused: %s', async (_, after) => {
    const { errors } = await gateway.graphql(POLL, { after }, await gateway.token({ role: 'admin' }));
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT' });
  });
});
