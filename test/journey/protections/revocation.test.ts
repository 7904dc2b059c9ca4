import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiKeys, openApiKeys } from '../../../src/access/api-keys.ts';
import { openSubjects, type Subjects } from '../../../src/access/subjects.ts';
import { eventStream } from '../../event-stream.ts';
import { eventually } from '../../eventually.ts';
import { startGateway, type TestGateway } from '../../gateway.ts';
import { TENDER_CHANGES } from '../documents.ts';
import { openRawSocket, type RawSocket } from './raw-socket.ts';

/** What the specification promises. */
const WITHIN = { withinMs: 10_000 };
const by = { id: 'cli:ann', role: 'admin' } as const;

let gateway: TestGateway;
let other: TestGateway;
let keys: ApiKeys;
let subjects: Subjects;
beforeAll(async () => {
  gateway = await startGateway();
  other = await startGateway({ database: gateway.database });
  const { client, db } = gateway.database;
  keys = await openApiKeys(client, db);
  subjects = await openSubjects(client, db);
});
afterAll(async () => {
  await other.close();
  await gateway.close();
});

interface Proof {
  readonly token?: string;
  readonly apiKey?: string;
}

const headersOf = ({ token, apiKey }: Proof): Record<string, string> => ({
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }),
});

/** The status of a request, on the fast path or on Yoga's. */
async function statusOf(url: string, proof: Proof): Promise<number> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headersOf(proof) },
    body: JSON.stringify({ query: '{ tenders { nodes { id } } }' }),
  });
  await answer.text();
  return answer.status;
}

async function subscribed(url: string, proof: Proof): Promise<RawSocket> {
  const socket = await openRawSocket(url, headersOf(proof));
  await socket.told('connection_ack');
  socket.send({ type: 'subscribe', id: 'changes', payload: { query: TENDER_CHANGES } });
  await socket.told('next');
  return socket;
}

/** Everything that outlives a request, on both gateways. */
async function openAll(proof: Proof) {
  const gateways = [gateway, other];
  const sockets = await Promise.all(gateways.map(({ url }) => subscribed(url, proof)));
  const streams = await Promise.all(gateways.map(({ url }) => eventStream(url, TENDER_CHANGES, proof)));
  return { sockets, streams };
}

async function expectAllEnded(
  proof: Proof,
  { sockets, streams }: Awaited<ReturnType<typeof openAll>>,
  why: string,
) {
  for (const socket of sockets)
    await eventually(() => expect(socket.closedWith()).toEqual({ code: 4401, reason: why }), WITHIN);
  for (const stream of streams) {
    const text = await stream.text();
    expect(text).toContain(why);
    expect(text).toContain('"code":"UNAUTHENTICATED"');
    expect(text.trimEnd()).toMatch(/event: complete\ndata:$/);
  }
  for (const { url } of [gateway, other])
    for (const path of [url, `${url}?`]) {
      await eventually(async () => expect(await statusOf(path, proof)).toBe(401), WITHIN);
      expect((await eventStream(path, TENDER_CHANGES, proof)).status).toBe(401);
    }
  for (const { url } of [gateway, other]) {
    const again = await openRawSocket(url, headersOf(proof));
    await eventually(() => expect(again.closedWith()?.code).toBe(4401));
    expect(again.received()).not.toContain('connection_ack');
    again.cut();
  }
}

let number = 0;
beforeEach(() => {
  number += 1;
});
const newKey = async (): Promise<string> =>
  (await keys.create({ tenantId: 'demo', carrierId: 'acme', name: `key ${number}`, by })).apiKey;

describe('an API key that is revoked', () => {
  it('ends its sockets and event streams on every gateway, and opens none', async () => {
    const proof = { apiKey: await newKey() };
    const open = await openAll(proof);
    await keys.revoke({ tenantId: 'demo', name: `key ${number}`, by });
    await expectAllEnded(proof, open, 'The API key has been revoked.');
    for (const socket of open.sockets) socket.cut();
  });

  it('is good for no operation on a socket whose client does not answer the close', async () => {
    const socket = await subscribed(gateway.url, { apiKey: await newKey() });
    await keys.revoke({ tenantId: 'demo', name: `key ${number}`, by });
    await eventually(() => expect(socket.closedWith()?.code).toBe(4401), WITHIN);
    const before = (await gateway.metrics.operations.get()).values;
    for (const id of ['1', '2', '3'])
      socket.send({ type: 'subscribe', id, payload: { query: '{ tenders { nodes { id } } }' } });
    await socket.ended;
    expect((await gateway.metrics.operations.get()).values).toEqual(before);
  });

  it('ends as well where its document was removed', async () => {
    const socket = await subscribed(other.url, { apiKey: await newKey() });
    await gateway.database.db.collection('api_keys').deleteOne({ name: `key ${number}` });
    await eventually(() => expect(socket.closedWith()?.code).toBe(4401), WITHIN);
    socket.cut();
  });

  it('leaves other keys of its carrier alone', async () => {
    const kept = await subscribed(gateway.url, { apiKey: await newKey() });
    number += 1;
    const revoked = await subscribed(gateway.url, { apiKey: await newKey() });
    await keys.revoke({ tenantId: 'demo', name: `key ${number}`, by });
    await eventually(() => expect(revoked.closedWith()?.code).toBe(4401), WITHIN);
    kept.send({ type: 'subscribe', id: '1', payload: { query: '{ __typename }' } });
    await kept.told('complete');
    expect(kept.closedWith()).toBeUndefined();
    for (const socket of [kept, revoked]) socket.cut();
  });
});

describe('a subject that is revoked', () => {
  it('ends its sockets and event streams on every gateway, and opens none', async () => {
    const proof = { token: await gateway.token({ sub: 'ann' }) };
    const open = await openAll(proof);
    await subjects.revoke({ tenantId: 'demo', sub: 'ann', by });
    await expectAllEnded(proof, open, 'The token has been revoked.');
    for (const socket of open.sockets) socket.cut();
  });

  it('is found revoked by a gateway that starts later', async () => {
    const token = await gateway.token({ sub: 'late' });
    await subjects.revoke({ tenantId: 'demo', sub: 'late', by });
    const later = await startGateway({ database: gateway.database });
    expect(await statusOf(later.url, { token })).toBe(401);
    await later.close();
  });

  it('leaves its name in another tenant, and others in its own, alone', async () => {
    const namesake = { token: await gateway.token({ sub: 'bob', tenant: 'other' }) };
    const colleague = { token: await gateway.token({ sub: 'bobby' }) };
    const token = await gateway.token({ sub: 'bob' });
    await subjects.revoke({ tenantId: 'demo', sub: 'bob', by });
    await eventually(async () => expect(await statusOf(gateway.url, { token })).toBe(401), WITHIN);
    for (const proof of [namesake, colleague]) expect(await statusOf(gateway.url, proof)).toBe(200);
  });
});
