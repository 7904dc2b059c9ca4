import { pause } from '../../src/eventstore/backoff.ts';
import { eventStream } from '../event-stream.ts';
import { createSocket, type Data } from '../gateway.ts';

/** A client that comes back by its last cursor whenever it is cut off, to whichever gateway is there. */
export interface ReturningClient {
  readonly items: readonly Data[];
  /** How often it was cut off. */
  readonly returns: number;
  stop(): void;
}

/** Reads items until the connection ends; gives each to `take`. Rejects or resolves when it is over. */
type Connect = (
  url: string,
  after: string | undefined,
  take: (item: Data, cursor: string) => void,
) => Promise<void>;

/** @param url where a gateway is at present */
function comeBack(url: () => string, connect: Connect, stopNow: () => void): ReturningClient {
  const items: Data[] = [];
  let cursor: string | undefined;
  let [isOver, returns] = [false, -1];
  const run = async (): Promise<void> => {
    while (!isOver) {
      returns += 1;
      const take = (item: Data, place: string) => {
        items.push(item);
        cursor = place;
      };
      await connect(url(), cursor, take).catch(() => undefined);
      await pause(20);
    }
  };
  void run();
  return {
    items,
    get returns() {
      return returns;
    },
    stop() {
      isOver = true;
      stopNow();
    },
  };
}

/** Over a WebSocket, by `after`. */
export function overSocket(url: () => string, token: string, field: string, query: string): ReturningClient {
  let stop = (): void => undefined;
  return comeBack(
    url,
    async (gateway, after, take) => {
      const client = createSocket(gateway, token);
      const subscription = client.iterate({ query, variables: { after: after ?? null } });
      stop = () => void subscription.return?.();
      try {
        for await (const { data, errors } of subscription as AsyncIterable<{ data?: Data; errors?: Data }>) {
          if (errors !== undefined) throw new Error(JSON.stringify(errors));
          take(data[field], data[field].cursor);
        }
      } finally {
        await client.dispose();
      }
    },
    () => stop(),
  );
}

/** Over Server-Sent Events, by `Last-Event-ID`, as a browser does it. */
export function overEventStream(
  url: () => string,
  token: string,
  field: string,
  query: string,
): ReturningClient {
  const abort = new AbortController();
  return comeBack(
    url,
    async (gateway, after, take) => {
      const response = await eventStream(gateway, query, {
        token,
        lastEventId: after,
        signal: abort.signal,
      });
      let text = '';
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const events = (text + chunk).split('\n\n');
        text = events.pop() ?? '';
        for (const event of events) {
          const [data, id] = [/^data: (.*)$/m.exec(event)?.[1], /^id: (.*)$/m.exec(event)?.[1]];
          if (data !== undefined && id !== undefined) take(JSON.parse(data).data[field], id);
        }
      }
    },
    () => abort.abort(),
  );
}
