import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createClient } from '../../src/mongo/client.ts';

const sockets: Socket[] = [];
const take = (message: unknown): void => {
  const { socket } = message as { socket: unknown };
  if (socket instanceof Socket) sockets.push(socket);
};
beforeEach(() => subscribe('net.client.socket', take));
afterEach(() => unsubscribe('net.client.socket', take));

describe('a command that is sent in the moment when its socket closes', () => {
  it('is not waited for for ever', async () => {
    const client = createClient(`${inject('mongoUri')}&maxPoolSize=1`);
    const things = client.db('test_closing_sockets').collection('things');
    await things.findOne();
    const insert = (n: number) => things.insertOne({ n });
    await insert(1);
    // Destroyed, and 'close' is still to come.
    for (const socket of sockets) socket.destroy();
    // The driver tries it once more, on another connection.
    await insert(2);
    for (const socket of sockets) socket.destroy();
    await expect(client.db('admin').command({ hello: 1 })).rejects.toThrow(/closed/);
    expect(await things.countDocuments()).toBe(2);
    await client.db('test_closing_sockets').dropDatabase();
    await client.close();
  });
});
