import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import WebSocket from 'ws';

/** What a drill's socket asks for. */
export interface SocketSubscription {
  readonly url: string;
  readonly token: string;
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Every item, those of the snapshot too, as it comes. */
  onMessage?(message: Buffer): void;
}

/** A socket of graphql-transport-ws with one subscription, by hand: thousands of them must cost a drill little. */
export interface SubscribedSocket {
  /** Resolves with the code when it is closed; 1006 where the line was cut. */
  readonly closed: Promise<number>;
  /** Reads nothing any more. */
  stall(): void;
  /** Reads so many bytes a second, and no more. */
  crawl(bytesPerSecond: number): void;
  /** Reads on as everybody does. */
  resume(): void;
  /** Leaves without a word. */
  cut(): void;
}

/** Opens a socket and subscribes; resolves when the snapshot is complete. @throws Error where it is refused */
export async function openSubscribedSocket(subscription: SocketSubscription): Promise<SubscribedSocket> {
  const { url, token, query, variables } = subscription;
  const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', {
    perMessageDeflate: false,
  });
  let line: Socket | undefined;
  socket.once('upgrade', (response: IncomingMessage) => {
    line = response.socket;
  });
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  const say = (message: object): void => socket.send(JSON.stringify(message));
  const snapshot = new Promise<void>((resolve, reject) => {
    closed.then((code) => reject(new Error(`A socket was closed with ${code} before its snapshot came.`)));
    let complete = false;
    socket.on('message', (data: Buffer) => {
      if (complete) return subscription.onMessage?.(data);
      if (data.includes('"type":"connection_ack"'))
        return say({ type: 'subscribe', id: '1', payload: { query, variables } });
      if (data.includes('"type":"error"')) return reject(new Error(String(data)));
      subscription.onMessage?.(data);
      complete = data.includes('"complete":true');
      if (complete) resolve();
    });
  });
  socket.once('open', () => say({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  await snapshot;
  let crawling: NodeJS.Timeout | undefined;
  closed.then(() => clearInterval(crawling));
  return {
    closed,
    stall: () => socket.pause(),
    crawl(bytesPerSecond) {
      socket.pause();
      crawling = setInterval(() => void line?.read(bytesPerSecond), 1_000);
    },
    resume() {
      clearInterval(crawling);
      socket.resume();
    },
    cut: () => socket.terminate(),
  };
}
