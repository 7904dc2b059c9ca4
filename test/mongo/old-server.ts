import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { BSON, type Document } from 'mongodb';

/** OP_MSG of the MongoDB wire protocol: header of four int32 (length, id, answer to, opcode), flags, section kind 0. */
const OP_MSG = 2013;
const OP_QUERY = 2004;
const OP_REPLY = 1;
const HEADER = 16;

/** A server that does nothing but say that it is a replica set, of an older MongoDB or with these members. */
export async function oldServer(version: string, maxWireVersion: number, hosts?: readonly string[]) {
  const answer = {
    ok: 1,
    isWritablePrimary: true,
    ismaster: true,
    setName: 'old',
    maxWireVersion,
    minWireVersion: 0,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    version,
    ...(hosts === undefined ? {} : { hosts }),
  };
  const server = createServer((socket) => {
    let pending = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= HEADER && pending.length >= pending.readInt32LE(0)) {
        const message = pending.subarray(0, pending.readInt32LE(0));
        pending = pending.subarray(message.length);
        socket.write(reply(message, answer));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    uri: `mongodb://127.0.0.1:${port}/?directConnection=true&serverSelectionTimeoutMS=500`,
    close: () => server.close(),
  };
}

function reply(request: Buffer, answer: Document): Buffer {
  const id = request.readInt32LE(4);
  const asked = request.readInt32LE(12);
  const body = BSON.serialize(answer);
  const before = Buffer.alloc(asked === OP_QUERY ? HEADER + 20 : HEADER + 5);
  before.writeInt32LE(before.length + body.length, 0);
  before.writeInt32LE(id, 8);
  before.writeInt32LE(asked === OP_QUERY ? OP_REPLY : OP_MSG, 12);
  // One document returned, of which nothing is skipped.
  if (asked === OP_QUERY) before.writeInt32LE(1, HEADER + 16);
  return Buffer.concat([before, body]);
}
