import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { eventually } from '../eventually.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { collect } from '../items.ts';
import { tenderMutation } from './documents.ts';

const READERS = 100;
const TENDERS = 600;
const QUEUE_ITEMS = 60;

/** Some 25 KB each: more than sockets hold in the kernel, after a few hundred. */
const HEAVY = `subscription { tenderChanges { __typename
  ... on TenderUpdated { tender { stops { name longitude latitude } lastEvent { payload } } event { payload } } } }`;
const LIGHT = `subscription { tenderChanges { __typename
  ... on TendersSnapshot { complete } ... on TenderUpdated { tender { id } } } }`;
const STOPS = Array.from({ length: 50 }, (_, n) => ({
  kind: n === 0 ? 'PICKUP' : 'DELIVERY',
  name: `Stop ${n} `.repeat(10),
  longitude: -97.7,
  latitude: 30.2,
}));

let gateway: TestGateway;
let token: string;
beforeAll(async () => {
  gateway = await startGateway({
    feedLimits: { queueItems: QUEUE_ITEMS },
    limits: { closeGraceMs: 500 },
  });
  token = await gateway.token();
});
afterAll(() => gateway.close());

/** Subscribes over a WebSocket, then reads nothing more. */
async function stallSocket(): Promise<WebSocket> {
  const socket = new WebSocket(gateway.url.replace('http', 'ws'), 'graphql-transport-ws');
  const told = (type: string) =>
    new Promise<void>((resolve) => {
      const listen = (data: WebSocket.RawData) => {
        if (JSON.parse(String(data)).type !== type) return;
        socket.off('message', listen);
        resolve();
      };
      socket.on('message', listen);
    });
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  await told('connection_ack');
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: HEAVY } }));
  await told('next');
  socket.pause();
  return socket;
}

/** Subscribes over SSE, then reads nothing more until `resume`. */
function stallEventStream(): Promise<{ resume(): void; ended: Promise<void> }> {
  return new Promise((resolve, reject) => {
    const url = new URL(gateway.url);
    const sent = request(
      url,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          authorization: `Bearer ${token}`,
        },
      },
      (response) => {
        response.once('data', () => {
          response.pause();
          const ended = new Promise<void>((done) => response.socket.once('close', () => done()));
          response.on('error', () => undefined);
          resolve({ ended, resume: () => response.resume() });
        });
      },
    );
    sent.once('error', reject);
    sent.end(JSON.stringify({ query: HEAVY }));
  });
}

describe('G-05 a client that stops reading, over a socket and over SSE', () => {
  it('is closed with bounded memory spent on it, while 100 others see every event', async () => {
    const stalled = await stallSocket();
    const closed = new Promise<number>((resolve) => stalled.once('close', (code) => resolve(code)));
    const stream = await stallEventStream();
    const readers = await Promise.all(
      Array.from({ length: READERS }, async () => {
        const items = collect(gateway.socket(token).iterate({ query: LIGHT }), 'tenderChanges');
        await items.until((item) => item.complete);
        return items;
      }),
    );

    let mostWaiting = 0;
    const created: string[] = [];
    for (let n = 0; n < TENDERS; n += 30) {
      const answers = await Promise.all(
        Array.from({ length: 30 }, () =>
          gateway.data(tenderMutation('createTender'), { input: { stops: STOPS } }),
        ),
      );
      created.push(...answers.map(({ result }) => result.tender.id));
      mostWaiting = Math.max(mostWaiting, gateway.feed.waiting().ordered);
      await readers[0]?.until(() => updates(0).size >= created.length);
    }
    function updates(reader: number): Set<string> {
      const items = readers[reader]?.all ?? [];
      return new Set(items.filter((item) => item.tender).map((item) => item.tender.id));
    }

    for (const [reader, items] of readers.entries()) {
      await items.until(() => updates(reader).size >= TENDERS);
      expect(updates(reader)).toEqual(new Set(created));
      expect(items.all.filter((item) => item.tender)).toHaveLength(TENDERS);
      expect(items.end).toBeUndefined();
    }
    await eventually(() => expect(gateway.feed.waiting().ordered).toBe(0));
    stalled.resume();
    expect([4408, 1006]).toContain(await closed);
    stream.resume();
    await stream.ended;
    expect(mostWaiting).toBeLessThanOrEqual((READERS + 2) * QUEUE_ITEMS);
    for (const items of readers) items.stop();
  });
});
