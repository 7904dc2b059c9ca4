import { once } from 'node:events';
import WebSocket, { type RawData } from 'ws';

/** Many sockets that only count what they hear: reading it would measure the client. */
export interface Listeners {
  /** Resolves when all together have heard so many more messages. One at a time. */
  heard(messages: number): Promise<void>;
  /** The last message that counted. */
  last(): string;
  close(): void;
}

/** A subscription that each socket makes; without one a socket just listens. */
export interface Subscription {
  readonly query: string;
  readonly token: string;
  /** Of the socket with this number. */
  readonly variables?: (index: number) => object;
  /** What stands in its first message, if one comes before anything has happened. */
  readonly begins?: string | null;
}

/** Opens a socket that is to hear; resolves when it is ready. */
export type OpenSocket = (url: string) => Promise<WebSocket>;

/** How long messages may take before the run fails. */
const PATIENCE_MS = 60_000;
/** Sockets that are opened at once. */
const OPENED_AT_ONCE = 20;

/**
 * Opens sockets that count the messages in which `marker` stands; resolves when each is open and, with a subscription,
 * has its whole snapshot, or is as ready as who opens it says.
 */
export async function openListeners(
  url: string,
  count: number,
  marker: string,
  subscription?: Subscription | OpenSocket,
): Promise<Listeners> {
  const sockets: WebSocket[] = [];
  let missing = 0;
  let last: RawData | undefined;
  let done: () => void = () => undefined;
  let begun = 0;
  const listen = async (): Promise<void> => {
    const index = begun++;
    const socket = await openBy(url, subscription, index);
    sockets.push(socket);
    socket.on('message', (data: Buffer) => {
      if (!data.includes(marker)) return;
      last = data;
      missing -= 1;
      if (missing === 0) done();
    });
  };
  while (sockets.length < count)
    await Promise.all(Array.from({ length: Math.min(OPENED_AT_ONCE, count - sockets.length) }, listen));
  return {
    heard: (messages) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`${missing} of ${messages} messages did not come.`)),
          PATIENCE_MS,
        );
        missing = messages;
        done = () => {
          clearTimeout(late);
          resolve();
        };
      }),
    last: () => String(last),
    close: () => {
      for (const socket of sockets) socket.terminate();
    },
  };
}

function openBy(
  url: string,
  subscription: Subscription | OpenSocket | undefined,
  index: number,
): Promise<WebSocket> {
  if (subscription === undefined) return open(url);
  return typeof subscription === 'function' ? subscription(url) : openSubscriber(url, subscription, index);
}

async function open(url: string, protocol?: string): Promise<WebSocket> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocol, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}

/** Speaks as much graphql-transport-ws as it takes to be a subscriber. */
async function openSubscriber(
  url: string,
  { query, token, variables, begins = '"complete":true' }: Subscription,
  index: number,
): Promise<WebSocket> {
  const socket = await open(url, 'graphql-transport-ws');
  const answered = async (marker: string, sent: object): Promise<void> => {
    const answer = hear(socket, marker);
    socket.send(JSON.stringify(sent));
    await answer;
  };
  await answered('"connection_ack"', {
    type: 'connection_init',
    payload: { authorization: `Bearer ${token}` },
  });
  const subscribe = { id: '1', type: 'subscribe', payload: { query, variables: variables?.(index) } };
  if (begins === null) socket.send(JSON.stringify(subscribe));
  else await answered(begins, subscribe);
  return socket;
}

/** Resolves with the first message in which `marker` stands. */
export function hear(socket: WebSocket, marker: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const listen = (data: Buffer): void => {
      if (data.includes('"type":"error"')) reject(new Error(String(data)));
      if (!data.includes(marker)) return;
      socket.off('message', listen);
      socket.off('close', fail);
      resolve();
    };
    const fail = (code: number): void => reject(new Error(`Closed with ${code} before ${marker} came.`));
    socket.on('message', listen).once('close', fail);
  });
}
