import { once } from 'node:events';
import { createClient } from 'graphql-ws';
import type { Collection, Document } from 'mongodb';
import WebSocket from 'ws';

/** Tells when the next change arrives. */
export interface Watcher {
  /** Resolves with the moment, on the clock of `performance.now()`. One at a time. */
  arrival(): Promise<number>;
  close(): Promise<void> | void;
}

/** How long a change may take before the run fails. */
const PATIENCE_MS = 10_000;

export interface Arrivals {
  expect(): Promise<number>;
  note(): void;
}

/** Hands each arrival to whoever expects it; what nobody expects is a mistake of the measurement. */
export function openArrivals(what: string): Arrivals {
  let waiting: ((at: number) => void) | undefined;
  return {
    expect: () =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`No ${what} in time.`)), PATIENCE_MS);
        waiting = (at) => {
          clearTimeout(late);
          resolve(at);
        };
      }),
    note() {
      const at = performance.now();
      if (waiting === undefined) throw new Error(`A ${what} that nobody waited for.`);
      waiting(at);
      waiting = undefined;
    },
  };
}

/** A graphql-ws client that tells of the items of one kind; resolves once the snapshot is complete. */
export async function subscribe(
  url: string,
  token: string,
  query: string,
  typename: string,
): Promise<Watcher> {
  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${token}` },
  });
  const arrivals = openArrivals(typename);
  await new Promise<void>((resolve, reject) => {
    client.subscribe<Record<string, { __typename: string; complete?: boolean }>>(
      { query },
      {
        next({ data }) {
          const [item] = Object.values(data ?? {});
          if (item?.__typename === typename) arrivals.note();
          else if (item?.complete) resolve();
        },
        error: (error) => reject(error instanceof Error ? error : new Error(JSON.stringify(error))),
        complete: () => undefined,
      },
    );
  });
  return { arrival: arrivals.expect, close: () => client.dispose() };
}

/** The driver's own change stream on a collection; resolves once it is open. */
export async function watchRaw<T extends Document>(collection: Collection<T>): Promise<Watcher> {
  const stream = collection.watch();
  const arrivals = openArrivals(`change of ${collection.collectionName}`);
  stream.on('change', arrivals.note);
  // The first reply has come when there is a token.
  await once(stream, 'resumeTokenChanged');
  return { arrival: arrivals.expect, close: () => stream.close() };
}
