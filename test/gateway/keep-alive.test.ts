import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { openKeepAlive } from '../../src/gateway/socket/idle.ts';

const PING_MS = 6_400;
/** Of the turns in which sockets are pinged, the time between two. */
const TURN_MS = 100;

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
beforeEach(() => {
  // Pings go out when the test says so: a busy machine may take as long as it likes for the answers.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
  for (const socket of server.clients) socket.terminate();
});
afterAll(() => server.close());

/** A client, and its socket on the server, watched. */
async function connect(alive = openKeepAlive(PING_MS), autoPong = true) {
  const { port } = server.address() as AddressInfo;
  const opened = once(server, 'connection');
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { autoPong });
  const [socket] = (await opened) as [WebSocket];
  alive.watch(socket);
  await once(client, 'open');
  return { client, socket };
}

/** Lets the time pass in which each socket is pinged once. */
const passInterval = () => vi.advanceTimersByTime(PING_MS);

describe('a socket that is watched', () => {
  it('is pinged again and again while its peer answers', async () => {
    const { client, socket } = await connect();
    for (let pings = 0; pings < 4; pings++) {
      const answered = Promise.all([once(client, 'ping'), once(socket, 'pong')]);
      passInterval();
      await answered;
    }
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it('is cut at the next ping when its peer has not answered the last', async () => {
    const alive = openKeepAlive(PING_MS);
    const silent = await connect(alive, false);
    const answering = await connect(alive);
    const pings: unknown[] = [];
    silent.client.on('ping', (data) => pings.push(data));
    const answered = once(answering.socket, 'pong');
    passInterval();
    await answered;
    const closed = once(silent.socket, 'close');
    passInterval();
    const [code] = await closed;
    expect([code, pings.length]).toEqual([1006, 1]);
    expect(answering.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('is not cut while its peer reads what waits for it, however late it answers', async () => {
    const alive = openKeepAlive(PING_MS);
    const { client, socket } = await connect(alive, false);
    for (let pings = 0; pings < 3; pings++) {
      const pinged = once(client, 'ping');
      passInterval();
      await pinged;
      alive.heard(socket);
    }
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it('is not cut together with all that were opened with it', async () => {
    const alive = openKeepAlive(PING_MS);
    const sockets: WebSocket[] = [];
    for (let n = 0; n < 32; n++) sockets.push((await connect(alive, false)).socket);
    const stillOpen = () => sockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
    const closed = Promise.all(sockets.map((socket) => once(socket, 'close')));
    passInterval();
    expect(stillOpen()).toHaveLength(sockets.length);
    for (let ms = 0; ms < PING_MS && stillOpen().length === sockets.length; ms += TURN_MS)
      vi.advanceTimersByTime(TURN_MS);
    expect(stillOpen().length).toBeLessThan(sockets.length);
    expect(stillOpen().length).toBeGreaterThan(sockets.length / 2);
    passInterval();
    await closed;
    expect(stillOpen()).toEqual([]);
  });

  it('is watched as well after all others have gone', async () => {
    const alive = openKeepAlive(PING_MS);
    const first = await connect(alive);
    first.client.close();
    await once(first.socket, 'close');
    const { client, socket } = await connect(alive, false);
    const pinged = once(client, 'ping');
    passInterval();
    await pinged;
    const closed = once(socket, 'close');
    passInterval();
    expect((await closed)[0]).toBe(1006);
  });
});
