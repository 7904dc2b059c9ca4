import type { WebSocket } from 'ws';

interface Waiting {
  readonly upTo: number;
  resolve(): void;
}

/**
 * Sends on a socket, and tells when what was sent has left the process. One function serves all messages, and what has
 * left at once needs no promise: with thousands of subscribers each counts.
 */
export class Outflow {
  readonly #socket: WebSocket;
  readonly #onFlow: () => void;
  #sent = 0;
  #left = 0;
  #waiting: Waiting[] = [];

  /** @param onFlow told whenever something has left that had to wait for the peer: it reads */
  constructor(socket: WebSocket, onFlow: () => void) {
    this.#socket = socket;
    this.#onFlow = onFlow;
  }

  /** @returns nothing where the message has left already, else when it will have, or never can */
  send(message: string): Promise<void> | undefined {
    this.#socket.send(message, this.#leave);
    this.#sent += 1;
    if (this.#socket.bufferedAmount === 0) return undefined;
    const upTo = this.#sent;
    return new Promise((resolve) => this.#waiting.push({ upTo, resolve }));
  }

  /** Messages leave in the order of sending. */
  readonly #leave = (): void => {
    this.#left += 1;
    for (let [next] = this.#waiting; next !== undefined && next.upTo <= this.#left; [next] = this.#waiting) {
      this.#waiting.shift();
      next.resolve();
      this.#onFlow();
    }
  };
}
