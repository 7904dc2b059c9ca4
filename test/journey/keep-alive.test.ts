import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { openKeepAlive } from '../../src/gateway/socket/keep-alive.ts';

const PING_MS = 160;

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
afterEach(() => {
  for (const socket of server.clients) socket.terminate();
});

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

describe('a socket that is watched', () => {
  it('is pinged again and again while its peer answers', async () => {
    const { client, socket } = await connect();
    for (let pings = 0; pings < 4; pings++) await once(client, 'ping');
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it('is cut at the next ping when its peer has not answered the last', async () => {
    const alive = openKeepAlive(PING_MS);
    const silent = await connect(alive, false);
    const answering = await connect(alive);
    const pings: unknown[] = [];
    silent.client.on('ping', (data) => pings.push(data));
    const [code] = await once(silent.socket, 'close');
    expect([code, pings.length]).toEqual([1006, 1]);
    expect(answering.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('is not cut while its peer reads what waits for it, however late it answers', async () => {
    const alive = openKeepAlive(PING_MS);
    const { client, socket } = await connect(alive, false);
    for (let pings = 0; pings < 3; pings++) {
      await once(client, 'ping');
      alive.heard(socket);
    }
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it('is not cut together with all that were opened with it', async () => {
    const alive = openKeepAlive(PING_MS);
    const sockets: WebSocket[] = [];
    for (let n = 0; n < 32; n++) sockets.push((await connect(alive, false)).socket);
    await Promise.race(sockets.map((socket) => once(socket, 'close')));
    const open = sockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
    expect(open.length).toBeGreaterThan(sockets.length / 2);
    await Promise.all(open.map((socket) => once(socket, 'close')));
  });

  it('is watched as well after all others have gone', async () => {
    const alive = openKeepAlive(PING_MS);
    const first = await connect(alive);
    first.client.close();
    await once(first.socket, 'close');
    const second = await connect(alive);
    await once(second.client, 'ping');
  });
});
