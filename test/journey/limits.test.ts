import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { SERVER_LIMITS } from '../../src/gateway/server.ts';
import type { Limit } from '../../src/metrics/limits.ts';
import { readSettings } from '../../src/process/settings.ts';
import { eventStream } from '../event-stream.ts';
import { eventually } from '../eventually.ts';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { TENDER_CHANGES } from './documents.ts';

const LIMITS = {
  maxBodyBytes: 4_096,
  maxMessageBytes: 4_096,
  maxSocketsPerTenant: 2,
  maxSubscriptionsPerSocket: 2,
  closeGraceMs: 300,
};

let gateway: TestGateway;
/** Of sockets that wait for their readers. */
let roomy: TestGateway;
/** Of those two, each is met by who is only slow, too: nobody else shall have it. */
let hasty: TestGateway;
let restless: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ limits: LIMITS });
  hasty = await startGateway({ limits: { initTimeoutMs: 200 } });
  restless = await startGateway({ limits: { idleSocketMs: 2_500, closeGraceMs: 300 } });
  roomy = await startGateway({
    limits: { maxSocketBufferBytes: 65_536, maxSubscriptionsPerSocket: 10_000, closeGraceMs: 300 },
  });
});
afterAll(() => Promise.all([gateway, roomy, hasty, restless].map((each) => each.close())));

/** How often a limit was met so far. */
async function met(limit: Limit, { metrics } = gateway): Promise<number> {
  const { values } = await metrics.limits.get();
  return values.find(({ labels }) => labels.limit === limit)?.value ?? Number.NaN;
}

/** A raw socket. */
interface Raw {
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  send(message: object): void;
  told(type: string): Promise<Data>;
}

async function open({ url } = gateway): Promise<Raw> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws');
  const messages: Data[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return {
    socket,
    closed,
    send: (message) => socket.send(JSON.stringify(message)),
    told: (type) =>
      eventually(() => {
        const message = messages.find((each) => each.type === type);
        if (message === undefined) throw new Error(`Nothing of ${type}.`);
        return message;
      }),
  };
}

async function connected(tenant: string, expiresInSeconds = 600, to = gateway): Promise<Raw> {
  const raw = await open(to);
  const token = await gateway.token({ tenant, expiresInSeconds });
  raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  return raw;
}

const subscribe = (id: string, query = TENDER_CHANGES) => ({ type: 'subscribe', id, payload: { query } });

describe('a limit on what clients may ask', () => {
  it('of the size of a request is 413, for who is known', async () => {
    const body = JSON.stringify({ query: `{ __typename } #${'x'.repeat(LIMITS.maxBodyBytes)}` });
    const authorization = `Bearer ${await gateway.token()}`;
    const headers = { 'content-type': 'application/json', authorization };
    const chunked = new Blob([body]).stream();
    expect((await fetch(gateway.url, { method: 'POST', headers, body })).status).toBe(413);
    const init = { method: 'POST', headers, body: chunked, duplex: 'half' } as const;
    expect((await fetch(gateway.url, init)).status).toBe(413);
    await eventually(async () => expect(await met('body_bytes')).toBe(2));
  });

  it('of the size of a message closes the socket with 1009', async () => {
    const raw = await open();
    raw.send({ type: 'connection_init', payload: { padding: 'x'.repeat(LIMITS.maxMessageBytes) } });
    expect(await raw.closed).toMatchObject({ code: 1009 });
    expect(await met('message_bytes')).toBe(1);
  });

  it('of the time until connection_init closes the socket with 4408', async () => {
    const { closed } = await open(hasty);
    expect(await closed).toMatchObject({ code: 4408, reason: 'Connection initialisation timeout' });
    expect(await met('init_timeout', hasty)).toBe(1);
  });

  it('of sockets per tenant closes one too many with 4429, and none of another tenant', async () => {
    const sockets = [await connected('crowded'), await connected('crowded')];
    for (const { told } of sockets) await told('connection_ack');
    expect(await (await connected('crowded')).closed).toMatchObject({ code: 4429 });
    await (await connected('lonely')).told('connection_ack');
    expect(await met('sockets_per_tenant')).toBe(1);
    for (const { socket } of sockets) socket.close();
  });

  it('of subscriptions per socket closes it with 4429', async () => {
    const raw = await connected('busy');
    await raw.told('connection_ack');
    for (const id of ['1', '2', '3']) raw.send(subscribe(id));
    expect(await raw.closed).toMatchObject({ code: 4429 });
    expect(await met('subscriptions_per_socket')).toBeGreaterThanOrEqual(1);
  });

  it('of the time without an operation closes the socket with 4410, but none that runs one', async () => {
    const busy = await connected('idle', 600, restless);
    await busy.told('connection_ack');
    busy.send(subscribe('1'));
    await busy.told('next');
    const before = await met('idle_time', restless);
    const idle = await connected('idle', 600, restless);
    await idle.told('connection_ack');
    idle.send(subscribe('1', '{ __typename }'));
    await idle.told('complete');
    expect(await idle.closed).toMatchObject({ code: 4410 });
    expect(await met('idle_time', restless)).toBeGreaterThan(before);
    expect(busy.socket.readyState).toBe(WebSocket.OPEN);
    busy.send({ type: 'complete', id: '1' });
    expect(await busy.closed).toMatchObject({ code: 4410 });
  });

  it('of a token’s life ends sockets and event streams', async () => {
    const before = await met('token_lifetime');
    const raw = await connected('brief', 8);
    await raw.told('connection_ack');
    raw.send(subscribe('1'));
    const token = await gateway.token({ tenant: 'brief', expiresInSeconds: 8 });
    const stream = await eventStream(gateway.url, TENDER_CHANGES, { token });
    expect(await stream.text()).toContain('event: complete');
    expect(await raw.closed).toMatchObject({ code: 4401 });
    await eventually(async () => expect(await met('token_lifetime')).toBe(before + 2));
  });

  it('of the bytes that wait in a socket closes it', async () => {
    const raw = await connected('slow', 600, roomy);
    await raw.told('connection_ack');
    raw.socket.pause();
    // Each answer is some 20 KB; the kernel takes the first ones.
    const query = `{ ${Array.from({ length: 1_000 }, (_, n) => `a${n}: __typename`).join(' ')} }`;
    let sent = 0;
    await eventually(async () => {
      for (const end = sent + 100; sent < end; sent++) raw.send(subscribe(String(sent), query));
      expect(await met('socket_buffer_bytes', roomy)).toBeGreaterThanOrEqual(1);
    });
    raw.socket.resume();
    expect([4408, 1006]).toContain((await raw.closed).code);
  });
});

describe('the settings of limits', () => {
  it('have the defaults of the server', () => {
    const settings = readSettings({});
    for (const [name, limit] of Object.entries(SERVER_LIMITS))
      if (name in settings) expect(settings[name as keyof typeof settings], name).toBe(limit);
    expect(settings.initTimeoutSeconds * 1_000).toBe(SERVER_LIMITS.initTimeoutMs);
    expect(settings.idleSocketSeconds * 1_000).toBe(SERVER_LIMITS.idleSocketMs);
  });
});
