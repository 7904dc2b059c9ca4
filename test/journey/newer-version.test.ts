import { UUID } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { sendFixes } from '../../src/cli/transfer/position-sender.ts';
import { graphqlClient } from '../../src/client/graphql-client.ts';
import { look } from '../../src/dispatch/expiry.ts';
import { handle } from '../../src/eventstore/command/handle.ts';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import { dueRows } from '../../src/eventstore/projection/due-rows.ts';
import { operatorPages } from '../../src/process/health.ts';
import { startOperatorServer } from '../../src/process/operator-server.ts';
import { type TenderRow, tendersRead } from '../../src/tender/projection.ts';
import { eventually } from '../eventually.ts';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { REGISTER, TRACK, TRACK_ALL } from '../vehicle/documents.ts';
import { LOAD, tenderMutation } from './documents.ts';

const berlin = { longitude: 13.4, latitude: 52.5 };

let gateway: TestGateway;
let token: string;
beforeAll(async () => {
  gateway = await startGateway();
  token = await gateway.token();
});
afterAll(() => gateway.close());

const localId = (id: string): string => id.slice(id.indexOf('_') + 1);

/** Records what a newer version would, on a stream that this gateway knows. */
async function recordNewer(aggregateId: string, over: Partial<StoredEvent>): Promise<void> {
  const { events } = gateway.store;
  const [last] = await events
    .find({ aggregateId: new UUID(aggregateId) })
    .sort({ sequence: -1 })
    .limit(1)
    .toArray();
  if (last === undefined) throw new Error('There is no such stream.');
  const recordedAt = new Date();
  await events.insertOne({
    ...last,
    _id: new UUID(),
    sequence: last.sequence + 1,
    occurredAt: recordedAt,
    recordedAt,
    ...over,
  });
}

/** What a newer version may have recorded last. */
const NEWER = [
  ['an unknown type', { type: 'VehicleTowed', version: 1, payload: { to: 'yard' } }],
  ['a later version', { type: 'LocationTracked', version: 9, payload: { at: 'u33db' } }],
] as const;

let plates = 0;
async function vehicleWith(over: Partial<StoredEvent>): Promise<{ id: string; licensePlate: string }> {
  const licensePlate = `NEW-${++plates}`;
  const { result } = await gateway.data(REGISTER, { input: { licensePlate } });
  await recordNewer(localId(result.vehicle.id), over);
  return { id: result.vehicle.id, licensePlate };
}

const post = (query: string, variables: object) =>
  fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });

describe.each(NEWER)('a vehicle with an event of %s, that a newer version recorded', (_, over) => {
  it('is answered for with a 503 that may be repeated: over HTTP and sockets, and it is no bug', async () => {
    const { id, licensePlate } = await vehicleWith(over);
    const bugs = async () => (await gateway.metrics.bugs.get()).values[0]?.value ?? 0;
    const before = await bugs();
    for (const name of [{ vehicleId: id }, { licensePlate }]) {
      const variables = { input: { ...name, ...berlin } };
      const answer = await post(TRACK, variables);
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('1');
      const { errors } = (await answer.json()) as Data;
      expect(errors[0].extensions).toMatchObject({ code: 'NEWER_VERSION', retryAfterSeconds: 1 });
      for await (const result of gateway.socket(token).iterate({ query: TRACK, variables }))
        expect(result.errors?.[0]?.extensions).toMatchObject({ code: 'NEWER_VERSION', retryAfterSeconds: 1 });
    }
    expect(await bugs()).toBe(before);
    expect(gateway.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });

  it('is shown as far as its row goes, and not as of a moment that it counts for', async () => {
    const { id, licensePlate } = await vehicleWith(over);
    const query =
      '($id: ID, $plate: String, $asOf: DateTime) { vehicle(id: $id, licensePlate: $plate, asOf: $asOf) { licensePlate state } }';
    for (const variables of [{ id }, { plate: licensePlate }])
      expect(await gateway.data(`query ${query}`, variables)).toEqual({
        vehicle: { licensePlate, state: 'available' },
      });
    const asOf = new Date(Date.now() + 1_000).toISOString();
    const answer = await gateway.graphql(`query ${query}`, { id, asOf });
    expect(answer.status).toBe(503);
    expect(answer.errors?.[0]?.extensions.code).toBe('NEWER_VERSION');
    const events = await gateway.data(
      'query ($id: ID!) { vehicle(id: $id) { history { edges { node { type version payload } } } } }',
      { id },
    );
    expect(events.vehicle.history.edges.at(-1).node).toEqual(over);
  });

  it('holds up no other vehicle of a batch, whatever it is named by', async () => {
    const newer = await vehicleWith(over);
    const licensePlate = `PLAIN-${++plates}`;
    await gateway.data(REGISTER, { input: { licensePlate } });
    const fixes = [{ vehicleId: newer.id }, { licensePlate }, { licensePlate: newer.licensePlate }];
    const { result } = await gateway.data(TRACK_ALL, {
      input: { fixes: fixes.map((name) => ({ ...name, ...berlin })) },
    });
    expect(result).toMatchObject({
      recorded: 1,
      refused: [
        { index: 0, code: 'NEWER_VERSION' },
        { index: 2, code: 'NEWER_VERSION' },
      ],
    });
  });
});

describe('a plate of which only a newer version knows whose it is', () => {
  it('holds up no other vehicle of a batch, and is a 503 alone', async () => {
    const { result } = await gateway.data(REGISTER, { input: { licensePlate: 'MOVED' } });
    await gateway.data(REGISTER, { input: { licensePlate: 'STAYED' } });
    const claim = await gateway.store.events.findOne({ 'payload.vehicleId': localId(result.vehicle.id) });
    if (claim === null) throw new Error('The plate was never claimed.');
    await recordNewer(claim.aggregateId.toString(), { type: 'PlateReleased', version: 1, payload: {} });
    gateway.store.cache.delete(`demo/LicensePlate/${claim.aggregateId}`);
    const fixes = ['MOVED', 'STAYED'].map((licensePlate) => ({ licensePlate, ...berlin }));
    expect((await gateway.data(TRACK_ALL, { input: { fixes } })).result).toMatchObject({
      recorded: 1,
      refused: [{ index: 0, code: 'NEWER_VERSION' }],
    });
    expect((await gateway.graphql(TRACK, { input: fixes[0] })).status).toBe(503);
    const asked = await gateway.graphql('{ vehicle(licensePlate: "MOVED") { state } }');
    expect(asked.errors?.[0]?.extensions.code).toBe('NEWER_VERSION');
  });
});

describe('a tender that a newer version has written to', () => {
  async function tenderWith(carrierId?: string): Promise<string> {
    const created = await gateway.data(tenderMutation('createTender'), { input: LOAD });
    const { id } = created.result.tender;
    if (carrierId !== undefined) {
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      await gateway.data(tenderMutation('offerTender'), { input: { tenderId: id, carrierId, expiresAt } });
    }
    return id;
  }
  const SPLIT = { type: 'TenderSplit', version: 1, payload: { into: ['GLOBEX'] } } as const;

  it('shows a carrier its row, and of the event only that there was one', async () => {
    const id = await tenderWith('ACME');
    await recordNewer(localId(id), SPLIT);
    const last = await gateway.store.events.findOne({
      aggregateId: new UUID(localId(id)),
      type: 'TenderSplit',
    });
    await gateway.database.db
      .collection<TenderRow>('tenders_read')
      .updateOne({ id: localId(id) }, { $set: { lastEvent: last as StoredEvent, lastSequence: 3 } });
    const carrier = await gateway.token({ role: 'carrier', carrierId: 'ACME' });
    const { tender } = await gateway.data(
      'query ($id: ID!) { tender(id: $id) { status lastEvent { type payload actor { id } } history { edges { node { type } } } } }',
      { id },
      carrier,
    );
    expect(tender.lastEvent).toEqual({ type: 'TenderSplit', payload: {}, actor: { id: 'withheld' } });
    expect(tender.history.edges.map((edge: Data) => edge.node.type)).toEqual([
      'TenderCreated',
      'TenderOffered',
    ]);
  });

  it('is left by the timer of offers, and keeps no other waiting', async () => {
    const { store, database } = gateway;
    const lapsed = await Promise.all(Array.from({ length: 3 }, () => tenderWith('ACME')));
    const [newer = '', ...plain] = lapsed;
    await recordNewer(localId(newer), SPLIT);
    const asked: number[] = [];
    const later = new Date(Date.now() + 7_200_000);
    const port = {
      due: (now: Date, limit: number) => {
        asked.push(limit);
        return dueRows(store, tendersRead, 'nextExpiryAt', now, limit);
      },
      handle: (intent: Parameters<typeof handle>[1]) => handle(store, intent),
      log: store.log,
      clock: () => later,
    };
    const setAside = new Map<string, number>();
    await look(port, setAside);
    expect([...setAside.keys()]).toContain(`demo/${localId(newer)}`);
    const aside = setAside.size;
    await look(port, setAside);
    expect(asked).toEqual([100, 100 + aside]);
    const rows = await database.db.collection<TenderRow>('tenders_read').find().toArray();
    const byId = new Map(rows.map((row) => [row.id, row.offers[0]?.status]));
    expect(plain.map((id) => byId.get(localId(id)))).toEqual(['EXPIRED', 'EXPIRED']);
    expect(byId.get(localId(newer))).not.toBe('EXPIRED');
  });
});

describe('clients of Waybill', () => {
  it('repeat what only a newer version can answer, alone and in a batch, until one does', async () => {
    const { id, licensePlate } = await vehicleWith(NEWER[0][1]);
    const retried: string[] = [];
    const client = graphqlClient({
      url: `${gateway.url}`,
      token,
      patienceMs: 60_000,
      onRetry: (reason) => {
        retried.push(reason);
        // The newer gateway has taken over: for this one the event was never there.
        void gateway.store.events.deleteOne({ type: 'VehicleTowed', aggregateId: new UUID(localId(id)) });
      },
    });
    await client.execute(TRACK, { input: { licensePlate, ...berlin } }, z.looseObject({}));
    expect(retried[0]).toContain('NEWER_VERSION');

    await recordNewer(localId(id), NEWER[0][1]);
    const occurredAt = new Date().toISOString();
    const sending = sendFixes(client, [{ licensePlate, ...berlin, occurredAt }] as never, {
      patienceMs: 60_000,
    });
    await gateway.store.events.deleteOne({ type: 'VehicleTowed', aggregateId: new UUID(localId(id)) });
    expect(await sending).toMatchObject({ recorded: 1, refused: [] });
  });
});

describe('health and metrics of an older process', () => {
  it('say what of newer versions it met; it is ready all the same', async () => {
    const { store, metrics, logged } = gateway;
    const answerOperator = operatorPages(
      {
        ping: async () => undefined,
        projections: async () => [],
        newer: () => store.newer.list(),
        draining: () => false,
        maxLagMs: 1_000,
      },
      metrics,
      store.log,
    );
    const server = await startOperatorServer({ host: '127.0.0.1', port: 0, answerOperator, metrics });
    onTestFinished(() => server.close());
    const { id } = await vehicleWith(NEWER[0][1]);
    await gateway.graphql(TRACK, { input: { vehicleId: id, ...berlin } });
    await eventually(async () => {
      const ready = await fetch(`${server.url}/health/ready`);
      expect(ready.status).toBe(200);
      expect(await ready.json()).toMatchObject({
        status: 'ready',
        newer: expect.arrayContaining(['VehicleTowed v1']),
      });
    });
    expect(logged.filter(({ newer }) => newer === 'VehicleTowed v1')).toHaveLength(1);
  });
});
