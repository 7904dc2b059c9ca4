import { get } from 'node:http';
import { z } from 'zod';
import { openWebSocket } from './socket.ts';

/** How a subscription is transported: over a socket of graphql-transport-ws, or by Server-Sent Events. */
export const TRANSPORTS = ['ws', 'sse'] as const;
export type SubscriptionTransport = (typeof TRANSPORTS)[number];

export interface ConnectionOptions {
  readonly url: string;
  readonly token: string;
  readonly query: string;
  /** The cursor to resume after: sent as a variable over a socket, as `Last-Event-ID` over SSE. */
  readonly after: string | undefined;
  /** Called with each `data`; over SSE with the id of its event. */
  onData(data: unknown, id: string | undefined): void;
  /** Called where the subscription is refused, or ends with errors. */
  onErrors(errors: unknown): void;
}

/** One connection with one subscription, until it breaks or is cut. */
export interface Connection {
  /** Resolves when it has ended, whatever the reason. */
  readonly ended: Promise<void>;
  cut(): void;
}

const message = z.object({ type: z.string(), payload: z.unknown().optional() });
const result = z.object({ data: z.unknown().optional(), errors: z.array(z.unknown()).optional() });

export function openConnection(transport: SubscriptionTransport, options: ConnectionOptions): Connection {
  return transport === 'ws' ? connectBySocket(options) : connectByEventStream(options);
}

function connectBySocket({ url, token, query, after, onData, onErrors }: ConnectionOptions): Connection {
  const socket = openWebSocket({ url, token, query, variables: { after } }, (bytes) => {
    const { type, payload } = message.parse(JSON.parse(String(bytes)));
    if (type === 'next') deliver(payload, undefined, onData, onErrors);
    else if (type === 'error') {
      onErrors(payload);
      socket.terminate();
    }
  });
  return {
    ended: new Promise((resolve) => socket.once('close', () => resolve())),
    cut: () => socket.terminate(),
  };
}

function connectByEventStream({ url, token, query, after, onData, onErrors }: ConnectionOptions): Connection {
  const address = new URL(url);
  address.searchParams.set('query', query);
  const headers = {
    accept: 'text/event-stream',
    authorization: `Bearer ${token}`,
    ...(after === undefined ? {} : { 'last-event-id': after }),
  };
  // Without an agent: one connection each.
  const request = get(address, { headers, agent: false }, (response) => {
    let rest = '';
    response.setEncoding('utf8');
    if (response.statusCode !== 200) onErrors(`HTTP status ${response.statusCode}`);
    response.on('data', (text: string) => {
      const events = `${rest}${text}`.split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) {
        const fields = fieldsOf(event);
        if (fields.get('event') === 'next')
          deliver(JSON.parse(fields.get('data') ?? ''), fields.get('id'), onData, onErrors);
      }
    });
    response.on('error', () => undefined);
  });
  request.on('error', () => undefined);
  return {
    ended: new Promise((resolve) => request.once('close', () => resolve())),
    cut: () => request.destroy(),
  };
}

function deliver(
  payload: unknown,
  id: string | undefined,
  onData: ConnectionOptions['onData'],
  onErrors: ConnectionOptions['onErrors'],
): void {
  const { data, errors } = result.parse(payload);
  if (errors !== undefined) onErrors(errors);
  else onData(data, id);
}

/** The fields of one event, as the specification of event streams has them. */
function fieldsOf(event: string): ReadonlyMap<string, string> {
  const lines = event.split('\n').filter((line) => !line.startsWith(':'));
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
    }),
  );
}
