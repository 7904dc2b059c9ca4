import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { eventually } from '../../eventually.ts';
import type { Data } from '../../gateway.ts';

/** A WebSocket whose client answers no close, and so goes on talking after it. */
export interface RawSocket {
  send(message: object): void;
  /** The first message of a type, and of an operation if one is named. */
  told(type: string, id?: string): Promise<Data>;
  /** The types of all messages so far. */
  received(): string[];
  /** What the server has closed it with. */
  closedWith(): { readonly code: number; readonly reason: string } | undefined;
  /** Resolves when the server has cut the line. */
  readonly ended: Promise<void>;
  cut(): void;
}

/** Opens one and sends `connection_init`; the proof is in the headers of the upgrade. */
export async function openRawSocket(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<RawSocket> {
  const { hostname, port } = new URL(url);
  const line = connect(Number(port), hostname);
  const messages: Data[] = [];
  let closed: { code: number; reason: string } | undefined;
  let rest = Buffer.alloc(0);
  let isOpen = false;
  line.on('error', () => undefined);
  line.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    if (!isOpen) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      isOpen = true;
      rest = rest.subarray(end + 4);
    }
    for (let frame = frameOf(rest); frame !== undefined; frame = frameOf(rest)) {
      rest = rest.subarray(frame.size);
      const { opcode, body } = frame;
      if (opcode === 1) messages.push(JSON.parse(body.toString()));
      if (opcode === 8) closed = { code: body.readUInt16BE(0), reason: body.subarray(2).toString() };
    }
  });
  const ended = new Promise<void>((resolve) => line.once('close', () => resolve()));
  const send = (message: object): void => void line.write(masked(JSON.stringify(message)));
  const lines = [
    'GET /graphql HTTP/1.1',
    `host: ${hostname}:${port}`,
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${randomBytes(16).toString('base64')}`,
    'sec-websocket-protocol: graphql-transport-ws',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  line.write(`${lines.join('\r\n')}\r\n\r\n`);
  send({ type: 'connection_init' });
  return {
    send,
    told: (type, id) =>
      eventually(() => {
        const message = messages.find((each) => each.type === type && (id === undefined || each.id === id));
        if (message === undefined) throw new Error(`Nothing of ${type}, but ${JSON.stringify(closed)}.`);
        return message;
      }),
    received: () => messages.map(({ type }) => type),
    closedWith: () => closed,
    ended,
    cut: () => line.destroy(),
  };
}

function frameOf(bytes: Buffer) {
  if (bytes.length < 2) return undefined;
  const short = bytes.readUInt8(1);
  const head = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < head) return undefined;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < head + length) return undefined;
  return { opcode: bytes.readUInt8(0) & 15, body: bytes.subarray(head, head + length), size: head + length };
}

/** A client masks what it sends (RFC 6455, section 5.3); a mask of zeros leaves it as it is. */
function masked(text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(10);
  head[0] = 0x81;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([head, Buffer.alloc(4), body]);
}
