import { setImmediate as turn } from 'node:timers/promises';
import type { ClientSession, Filter, FindCursor, Timestamp } from 'mongodb';
import { STREAM_INDEX } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import type { Projection, Row } from '../projection.ts';
import type { Log } from './log.ts';
import { filtersOf, type StreamRange } from './ranges.ts';
import { RawEvent } from './raw-event.ts';
import { openStreamFold, type ReplayedStream } from './stream-fold.ts';

/** What a replay needs of the store: a thread of its own opens no more than that. */
export type ReplayStore = Pick<Log, 'client' | 'events' | 'registry'>;

export interface ReplayOptions {
  /** Everything committed until then is seen. */
  readonly notBefore?: Timestamp;
  /** Events read in one go, at most; two such batches are in memory. */
  readonly batchEvents?: number;
  /** Called with how many events were folded, and awaited before the next are. */
  pace?(events: number): Promise<void>;
}

// Larger ones are no faster: what was read lives longer until it is folded, and garbage collection takes longer.
const BATCH_EVENTS = 1_000;

/**
 * Folds the streams of a range from the log, in the order of (tenantId, aggregateId); nothing is written. While one
 * batch is folded the server reads the next. Yields the streams that ended in a batch, none of them twice; a batch may
 * be empty where a stream is long. Memory is bounded by the batch, however many events there are.
 * @throws what MongoDB throws; what is wrong with a stream stands with it (`faults`)
 */
export async function* replayStreams<R extends Row>(
  store: ReplayStore,
  projection: Projection<R>,
  range: StreamRange,
  options: ReplayOptions = {},
): AsyncGenerator<ReplayedStream<R>[]> {
  const { notBefore, batchEvents = BATCH_EVENTS } = options;
  const session = store.client.startSession({ causalConsistency: true });
  if (notBefore !== undefined) session.advanceOperationTime(notBefore);
  const fold = openStreamFold(projection, store.registry);
  try {
    for (const filter of filtersOf(projection.aggregateType, range))
      for await (const batch of readAhead(streamsOf(store, filter, session, batchEvents))) {
        const ended: ReplayedStream<R>[] = [];
        for (const bytes of batch) {
          const stream = fold.take(new RawEvent(bytes));
          if (stream !== undefined) ended.push(stream);
        }
        yield ended;
        await options.pace?.(batch.length);
      }
    const last = fold.end();
    if (last !== undefined) yield [last];
  } finally {
    await session.endSession();
  }
}

/** Events as they are stored, in stream order. */
function streamsOf(
  store: ReplayStore,
  filter: Filter<StoredEvent>,
  session: ClientSession,
  batchSize: number,
): FindCursor<unknown> {
  return store.events.find(filter, {
    raw: true,
    hint: STREAM_INDEX,
    sort: STREAM_INDEX,
    session,
    batchSize,
  });
}

/** Reads what a raw cursor gives, batch by batch; the next one is on its way before one is handed out. */
export async function* readAhead(cursor: FindCursor<unknown>): AsyncGenerator<Uint8Array[]> {
  let more = cursor.hasNext();
  try {
    while (await more) {
      const documents: unknown[] = cursor.readBufferedDocuments();
      more = cursor.hasNext();
      // Its error is not lost: it is thrown where the next batch is awaited, if that is ever asked for.
      more.catch(() => undefined);
      // Lets the request out before the fold keeps the thread to itself.
      await turn();
      yield documents.filter((bytes) => bytes instanceof Uint8Array);
    }
  } finally {
    await more.catch(() => undefined);
    await cursor.close();
  }
}
