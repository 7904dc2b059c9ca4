import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Socket } from 'node:net';
import { MongoClient } from 'mongodb';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { mendClosingSockets } from '../../src/mongo/closing-sockets.ts';

const sockets: Socket[] = [];
const take = (message: unknown): void => {
  const { socket } = message as { socket: unknown };
  if (socket instanceof Socket) sockets.push(socket);
};
beforeEach(() => subscribe('net.client.socket', take));
afterEach(() => unsubscribe('net.client.socket', take));

describe('a command that is sent in the moment when its socket closes', () => {
  it('is not waited for for ever', async () => {
    mendClosingSockets();
    // Of one connection only, which Waybill itself refuses: each change stream keeps one.
    const client = new MongoClient(inject('mongoUri'), { maxPoolSize: 1 });
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
