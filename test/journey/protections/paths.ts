import WebSocket from 'ws';
import type { Data } from '../../gateway.ts';

/** What a test asks for. Null shows no token. */
export interface Asked {
  readonly query?: string;
  readonly variables?: object;
  readonly token: string | null;
  readonly operationName?: string;
  readonly extensions?: object;
  /** Further members of the request. */
  readonly more?: object;
}

/** What a caller gets to know: of an answer the status, of a socket 101 or the code it was closed with. */
export interface Told {
  readonly status: number;
  readonly data?: Data;
  readonly errors?: Data;
  readonly extensions?: Data;
  readonly retryAfter?: string | null;
}

type Ask = (url: string, asked: Asked) => Promise<Told>;

const bodyOf = ({ query, variables, operationName, extensions, more }: Asked): object => ({
  query,
  variables,
  operationName,
  extensions,
  ...more,
});

const headersOf = (token: string | null, accept: string): Record<string, string> => ({
  accept,
  ...(token === null ? {} : { authorization: `Bearer ${token}` }),
});

const JSON_ANSWER = 'application/graphql-response+json';

async function toldBy(answer: Response): Promise<Told> {
  const retryAfter = answer.headers.get('retry-after');
  return { status: answer.status, retryAfter, ...((await answer.json()) as object) };
}

const byPost =
  (search: string): Ask =>
  async (url, asked) =>
    toldBy(
      await fetch(url + search, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headersOf(asked.token, JSON_ANSWER) },
        body: JSON.stringify(bodyOf(asked)),
      }),
    );

const byGet: Ask = async (url, asked) => {
  const search = Object.entries(bodyOf(asked))
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  const answer = await fetch(`${url}?${new URLSearchParams(search)}`, {
    headers: headersOf(asked.token, JSON_ANSWER),
  });
  return toldBy(answer);
};

/** The first result of an event stream. */
const byStream: Ask = async (url, asked) => {
  const leaving = new AbortController();
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headersOf(asked.token, 'text/event-stream') },
    body: JSON.stringify(bodyOf(asked)),
    signal: leaving.signal,
  });
  if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) return toldBy(answer);
  let text = '';
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const [, data] = /^data: ?(\{.*\})$/m.exec(text) ?? [];
    if (data === undefined) continue;
    leaving.abort();
    const retryAfter = answer.headers.get('retry-after');
    return { status: answer.status, retryAfter, ...(JSON.parse(data) as object) };
  }
  return { status: answer.status };
};

const bySocket: Ask = (url, asked) =>
  new Promise((resolve) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws');
    const send = (message: object) => socket.send(JSON.stringify(message));
    const payload = asked.token === null ? {} : { authorization: `Bearer ${asked.token}` };
    socket.once('open', () => send({ type: 'connection_init', payload }));
    socket.on('message', (text) => {
      const { type, payload: answer } = JSON.parse(String(text));
      if (type === 'connection_ack') send({ type: 'subscribe', id: '1', payload: bodyOf(asked) });
      if (type === 'next') resolve({ status: 101, ...answer });
      if (type === 'error') resolve({ status: 101, errors: answer });
      if (type === 'next' || type === 'error') socket.close();
    });
    socket.once('close', (status) => resolve({ status }));
  });

/** Every way by which an operation can come. A POST with a `?` is never plain, and so left to Yoga. */
export const WAYS = {
  fast: byPost(''),
  yoga: byPost('?'),
  get: byGet,
  stream: byStream,
  socket: bySocket,
} as const satisfies Readonly<Record<string, Ask>>;

export type Way = keyof typeof WAYS;

export const WAY_NAMES = Object.keys(WAYS) as Way[];

/** The code of the first error. */
export const codeOf = ({ errors }: Told): unknown => errors?.[0]?.extensions?.code;
