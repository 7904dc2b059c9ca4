import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Leaver, ReadyResult, ReadySink } from '../fan-out/transport.ts';
import { areTaken, framesOf } from './frame.ts';

/** What all sockets have in common. */
export interface OutflowTerms {
  /** Bytes that may wait in one socket for its reader. */
  readonly maxSocketBufferBytes: number;
  /** Something has left that had to wait for the peer: it reads. */
  onFlow(socket: WebSocket): void;
  /** More waits than may. */
  onFull(socket: WebSocket): void;
}

const EMPTY = Buffer.alloc(0);

/**
 * What is sent on a socket, and when it has left the process. Nearly everything leaves at once: the system takes it, and
 * no promise and no callback need be made.
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
    if (!this.takes()) return undefined;
    this.socket.send(message);
    if (this.stream.writableLength === 0) return undefined;
    return new Promise((resolve) => this.tell({ left: resolve }));
  }

  /** Sends the results of one operation. */
  ofOperation(id: string): ReadySink {
    return new NextMessages(id, this.socket, this.stream, this.#terms);
  }

  /** False where the socket is closing, or is closed now: more waits in it than may. */
  protected takes(): boolean {
    if (this.socket.readyState !== this.socket.OPEN) return false;
    if (this.stream.writableLength <= this.#terms.maxSocketBufferBytes) return true;
    this.#terms.onFull(this.socket);
    return false;
  }

  /** Behind everything that waits; a write that fails calls back, too, and is followed by the end of the socket. */
  protected tell(leaver: Leaver): void {
    this.stream.write(EMPTY, () => {
      this.#terms.onFlow(this.socket);
      leaver.left();
    });
  }
}

/**
 * Sends ready results as graphql-transport-ws has them. graphql-ws would serialise each once more, and take four promises
 * for it, and ws would write its head apart from the rest: of the time that a message costs, half in all (measured with a
 * thousand sockets). What begins and ends an operation, and every other result, goes their way.
 */
class NextMessages extends Outflow implements ReadySink {
  readonly #begin: Buffer;

  constructor(id: string, socket: WebSocket, stream: Duplex, terms: OutflowTerms) {
    super(socket, stream, terms);
    this.#begin = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`);
  }

  sendReady(results: readonly ReadyResult[], leaver: Leaver): void {
    const waits = this.stream.writableLength > 0;
    if (this.takes()) {
      const lasts = results.map(({ last }) => last);
      this.stream.write(framesOf(this.#begin, lasts, waits));
    }
    if (this.stream.writableLength === 0) leaver.left();
    else {
      if (!waits) areTaken();
      this.tell(leaver);
    }
  }
}
