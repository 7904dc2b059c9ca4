import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { FlushListener, ReadyResult, ReadySink } from '../fan-out/transport.ts';

/** What all sockets have in common. */
export interface OutflowTerms {
  /** Bytes that may wait in one socket for its reader. */
  readonly maxSocketBufferBytes: number;
  /** Called when something has left that had to wait for the peer: it reads. */
  onFlow(socket: WebSocket): void;
  /** Called when more waits than may. */
  onFull(socket: WebSocket): void;
}

const EMPTY = Buffer.alloc(0);

/**
 * Sends on a socket, and knows when what was sent has left the process. Nearly everything leaves at once, since the system
 * takes it: then neither a promise nor a callback is made.
 */
export class Outflow {
  protected readonly socket: WebSocket;
  /** Below the socket: what it writes to. */
  protected readonly stream: Duplex;
  readonly #terms: OutflowTerms;

  constructor(socket: WebSocket, stream: Duplex, terms: OutflowTerms) {
    this.socket = socket;
    this.stream = stream;
    this.#terms = terms;
  }

  /** @returns nothing if the message has left already, else when it will have, or never can */
  send(message: string): Promise<void> | undefined {
    if (!this.isOpen()) return undefined;
    this.socket.send(message);
    if (this.stream.writableLength === 0) return undefined;
    return new Promise((resolve) => this.onFlushed({ flushed: resolve }));
  }

  /** Sends the results of one operation. */
  ofOperation(id: string): ReadySink {
    return new NextMessages(id, this.socket, this.stream, this.#terms);
  }

  /** Whether it may be written to. A socket in which more waits than may is closed here. */
  protected isOpen(): boolean {
    if (this.socket.readyState !== this.socket.OPEN) return false;
    if (this.stream.writableLength <= this.#terms.maxSocketBufferBytes) return true;
    this.#terms.onFull(this.socket);
    return false;
  }

  /**
   * Calls the listener when everything written so far has left. A write that fails calls back, too, and the end of the socket
   * follows.
   */
  protected onFlushed(listener: FlushListener): void {
    this.stream.write(EMPTY, () => {
      this.#terms.onFlow(this.socket);
      listener.flushed();
    });
  }
}

/**
 * Sends ready results as `next` messages of graphql-transport-ws. graphql-ws would serialise each result once more and make
 * four promises for it, and ws would write each head apart from its text: together half of what a message costs (measured
 * with a thousand sockets). All other messages of an operation go by graphql-ws and ws.
 */
class NextMessages extends Outflow implements ReadySink {
  readonly #begin: Buffer;

  constructor(id: string, socket: WebSocket, stream: Duplex, terms: OutflowTerms) {
    super(socket, stream, terms);
    this.#begin = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`);
  }

  sendReady(results: readonly ReadyResult[], listener: FlushListener): void {
    const waits = this.stream.writableLength > 0;
    if (this.isOpen()) {
      const lasts = results.map(({ last }) => last);
      this.stream.write(framesOf(this.#begin, lasts, waits));
    }
    if (this.stream.writableLength === 0) listener.flushed();
    else {
      if (!waits) keepFrames();
      this.onFlushed(listener);
    }
  }
}

/** A final frame of text: what a server sends is not masked (RFC 6455, section 5.2). */
const FINAL_TEXT = 0x81;
/** Frames up to this size are made in a buffer that is used again. */
const SCRATCH_BYTES = 16_384;

/** Nearly all frames leave at once, so that the next may be made over them. A buffer for each would keep the collector busy. */
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/**
 * Makes a frame of each text, one behind another.
 * @param begin what every text begins with
 * @param waits true where frames of before still wait, so that these will, too: they get a buffer of their own
 * @returns the frames; unless they wait, they hold only until the next are made, or for good once `keepFrames` is called
 */
export function framesOf(begin: Buffer, rests: readonly Buffer[], waits: boolean): Buffer {
  let size = 0;
  for (const rest of rests) size += headBytes(begin.length + rest.length) + begin.length + rest.length;
  const frames = waits || size > SCRATCH_BYTES ? Buffer.allocUnsafe(size) : scratch.subarray(0, size);
  let at = 0;
  for (const rest of rests) {
    at = writeHead(frames, at, begin.length + rest.length);
    frames.set(begin, at);
    frames.set(rest, at + begin.length);
    at += begin.length + rest.length;
  }
  return frames;
}

function headBytes(length: number): number {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : 10;
}

/** @returns where the text begins */
function writeHead(frames: Buffer, at: number, length: number): number {
  const head = headBytes(length);
  frames[at] = FINAL_TEXT;
  if (head === 2) frames[at + 1] = length;
  else if (head === 4) {
    frames[at + 1] = 126;
    frames.writeUInt16BE(length, at + 2);
  } else {
    frames[at + 1] = 127;
    frames.writeBigUInt64BE(BigInt(length), at + 2);
  }
  return at + head;
}

/**
 * To be called where the frames made last have not left at once: a stream holds them, so that the next frames must be made in
 * another buffer.
 */
function keepFrames(): void {
  scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
}
