import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import WebSocket from 'ws';
import { inFlight } from '../../client/in-flight.ts';

/** A subscription over a socket. */
export interface SocketSubscription {
  readonly url: string;
  readonly token: string;
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Called with every item as it comes, those of the snapshot included. */
  onMessage?(message: Buffer): void;
}

/** A socket with one subscription. */
export interface SubscribedSocket {
  /** Resolves with the code when it is closed; 1006 where the connection was cut. */
  readonly closed: Promise<number>;
  /** Reads nothing any more. */
  stall(): void;
  /** Reads so many bytes a second, and no more. */
  crawl(bytesPerSecond: number): void;
  /** Reads on at full speed. */
  resume(): void;
  /** Cuts the connection without closing it properly. */
  cut(): void;
}

/** Sockets that are opened at once. */
const OPENED_AT_ONCE = 20;

/**
 * Opens a socket of graphql-transport-ws and subscribes once the token is accepted. The protocol is spoken by hand: thousands
 * of sockets must cost a drill little.
 * @param onMessage called with each message after that, as it came
 */
export function openWebSocket(
  { url, token, query, variables }: Omit<SocketSubscription, 'onMessage'>,
  onMessage: (message: Buffer) => void,
): WebSocket {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', {
    perMessageDeflate: false,
  });
  const send = (message: object): void => socket.send(JSON.stringify(message));
  let acknowledged = false;
  // A failure is followed by 'close'.
  socket.on('error', () => undefined);
  socket.once('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  socket.on('message', (message: Buffer) => {
    if (acknowledged) return onMessage(message);
    if (!message.includes('"type":"connection_ack"')) return;
    acknowledged = true;
    send({ type: 'subscribe', id: '1', payload: { query, variables } });
  });
  return socket;
}

/** Opens a socket and subscribes; resolves when the snapshot is complete. @throws Error where it is refused */
export async function openSubscribedSocket(subscription: SocketSubscription): Promise<SubscribedSocket> {
  let complete = false;
  let settle: (error?: Error) => void = () => undefined;
  const snapshot = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error));
  });
  const socket = openWebSocket(subscription, (message) => {
    if (!complete && message.includes('"type":"error"')) return settle(new Error(String(message)));
    subscription.onMessage?.(message);
    if (complete) return;
    complete = message.includes('"complete":true');
    if (complete) settle();
  });
  let connection: Socket | undefined;
  socket.once('upgrade', (response: IncomingMessage) => {
    connection = response.socket;
  });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  closed.then((code) => settle(new Error(`A socket was closed with ${code} before its snapshot came.`)));
  await snapshot;
  let crawling: NodeJS.Timeout | undefined;
  closed.then(() => clearInterval(crawling));
  return {
    closed,
    stall: () => socket.pause(),
    crawl(bytesPerSecond) {
      socket.pause();
      crawling = setInterval(() => void connection?.read(bytesPerSecond), 1_000);
    },
    resume() {
      clearInterval(crawling);
      socket.resume();
    },
    cut: () => socket.terminate(),
  };
}

/** Opens one socket for each item, some at a time. */
export function openSubscribedSockets<T>(
  items: readonly T[],
  open: (item: T, index: number) => Promise<SubscribedSocket>,
): Promise<SubscribedSocket[]> {
  const turn = inFlight(OPENED_AT_ONCE);
  return Promise.all(items.map((item, index) => turn(() => open(item, index))));
}
