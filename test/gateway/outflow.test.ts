import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { ReadyResult } from '../../src/gateway/fan-out/transport.ts';
import { Outflow } from '../../src/gateway/socket/outflow.ts';

const ID = 'ä "1"';
const BEGIN = Buffer.byteLength(`{"id":${JSON.stringify(ID)},"type":"next","payload":`);

interface Pair {
  readonly client: WebSocket;
  readonly outflow: Outflow;
  /** What the client has heard. */
  readonly texts: string[];
}

let full = 0;
const server = createServer();
const sockets = new WebSocketServer({ server });
let pair: Pair;
let other: Pair;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  pair = await connect();
  other = await connect();
});
afterAll(() => {
  for (const { client } of [pair, other]) client.terminate();
  sockets.close();
  server.close();
});

async function connect(): Promise<Pair> {
  const opened = once(sockets, 'connection');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const texts: string[] = [];
  client.on('message', (data, isBinary) => texts.push(isBinary ? 'binary' : String(data)));
  const [socket, request] = await opened;
  const onFull = (): void => {
    full += 1;
  };
  const terms = { maxSocketBufferBytes: 1_000_000, onFlow() {}, onFull };
  const outflow = new Outflow(socket, request.socket, terms);
  await once(client, 'open');
  return { client, outflow, texts };
}

function sendReady({ outflow }: Pair, text: string): Promise<void> {
  const sink = outflow.ofOperation(ID);
  return new Promise((resolve) => sink.sendReady([new ReadyResult(text)], { flushed: resolve }));
}

function heard({ client, texts }: Pair, count: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (texts.length < count) return;
      client.off('message', look);
      resolve();
    };
    client.on('message', look);
    look();
  });
}

describe('a ready result on a socket', () => {
  // The length of a frame is written in 1, 3 or 9 bytes.
  it.each([0, 124, 125, 126, 127, 65_534, 65_535, 65_536, 300_000])(
    'is a message of graphql-transport-ws, of %s bytes or as few as it can be',
    async (bytes) => {
      const filling = Math.max(0, bytes - BEGIN - Buffer.byteLength('{"data":"é"}}'));
      const text = JSON.stringify({ data: `é${'x'.repeat(filling)}` });
      const { texts } = pair;
      texts.length = 0;
      await sendReady(pair, text);
      await heard(pair, 1);
      expect(texts.at(-1)).toBe(`{"id":${JSON.stringify(ID)},"type":"next","payload":${text}}`);
      if (filling > 0) expect(Buffer.byteLength(texts.at(-1) ?? '')).toBe(bytes);
    },
  );

  it.each([[[0, 200, 0, 70_000, 5]], [[1, 2, 3]]])('goes with others in one write: %j', async (sizes) => {
    const { outflow, texts } = pair;
    texts.length = 0;
    const ready = sizes.map(
      (size, n) => new ReadyResult(JSON.stringify({ data: `${n} ${'é'.repeat(size)}` })),
    );
    await new Promise<void>((flushed) => outflow.ofOperation(ID).sendReady(ready, { flushed }));
    await heard(pair, sizes.length);
    expect(texts.map((text) => JSON.parse(text).payload)).toEqual(
      ready.map(({ stringify }) => JSON.parse(stringify())),
    );
  });

  it('goes between whatever else is sent, in the order of sending', async () => {
    const { outflow, texts } = pair;
    texts.length = 0;
    for (let n = 0; n < 50; n++) {
      void sendReady(pair, `{"data":${n}}`);
      void outflow.send(`other ${n}`);
    }
    await heard(pair, 100);
    expect(texts.map((text) => /\d+(?=\}\}$|$)/.exec(text)?.[0])).toEqual(
      Array.from({ length: 100 }, (_, index) => String(Math.floor(index / 2))),
    );
  });

  it('stays what it is while it waits, whatever is sent on other sockets', async () => {
    const { client, texts } = pair;
    texts.length = 0;
    client.pause();
    let waits = false;
    let sent = 0;
    const leaving: Promise<void>[] = [];
    for (; !waits; sent++) {
      waits = true;
      const left = sendReady(pair, JSON.stringify({ data: `${sent} ${'x'.repeat(10_000)}` }));
      leaving.push(left);
      // Who need not wait is told before the microtasks that come next.
      void left.then(() => {
        waits = false;
      });
      await Promise.resolve();
      await Promise.resolve();
      await sendReady(other, JSON.stringify({ data: `other ${'y'.repeat(10_000)}` }));
    }
    client.resume();
    await Promise.all(leaving);
    await heard(pair, sent);
    expect(texts.map((text) => Number.parseInt(JSON.parse(text).payload.data, 10))).toEqual(
      Array.from({ length: sent }, (_, index) => index),
    );
    expect(texts.every((text) => !text.includes('y'.repeat(10)))).toBe(true);
  });

  it('waits for a peer that does not read, and beyond the limit nothing more is taken', async () => {
    const { client, outflow, texts } = pair;
    texts.length = 0;
    client.pause();
    const big = new ReadyResult(JSON.stringify({ data: 'x'.repeat(600_000) }));
    const sink = outflow.ofOperation(ID);
    let sent = 0;
    let left = 0;
    const listener = {
      flushed() {
        left += 1;
      },
    };
    for (; full === 0; sent++) sink.sendReady([big], listener);
    expect(left).toBeLessThan(sent - 1);
    client.resume();
    await heard(pair, sent - 1);
    expect(new Set(texts).size).toBe(1);
    expect(JSON.parse(texts[0] ?? '')).toEqual({
      id: ID,
      type: 'next',
      payload: JSON.parse(big.stringify()),
    });
    await expect.poll(() => left).toBe(sent);
  });
});
