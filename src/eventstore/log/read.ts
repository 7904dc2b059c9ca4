/**
 * Log: the events as they are stored, and the ways to read them.
 *
 * In come streams, filters and ranges; out come events. log.ts is the layer of the store that all of this needs.
 * - read.ts reads a stream, and a page of one. point-reads.ts gathers reads of single events, stream-reads.ts those of
 *   streams.
 * - pages.ts reads a tenant's log page by page, in the order of stamps (stamp.ts), so that nothing appears behind a page:
 *   position.ts is how far a reader has come, horizon.ts up to where the log is settled, event-filter.ts what may be
 *   asked for, narrow.ts by which index.
 * - stream-tips.ts knows how far streams have come; streams-behind.ts finds those whose rows lag, holes.ts those that
 *   lack events, unknown-events.ts the events that only a newer version knows.
 * - A replay of everything: ranges.ts divides the streams; replay.ts reads a range ahead of its fold; stream-fold.ts
 *   folds it stream by stream, over the bytes of its events (raw-event.ts); row-checksum.ts sums up the rows.
 * - date-fields.ts finds the dates in a payload, for JSON, which has none.
 */
import { type FindCursor, UUID } from 'mongodb';
import type { StreamRef } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import type { Log } from './log.ts';

/**
 * The events of a stream in sequence order, majority-committed, after `afterSequence` (default: all), each in the
 * newest version of its type (`asStored` tells what is stored). Served by the stream index (S-03).
 */
export function readStream(
  store: Pick<Log, 'events' | 'registry'>,
  stream: StreamRef,
  afterSequence = 0,
): FindCursor<StoredEvent> {
  const { tenantId, aggregateType } = stream;
  const aggregateId = new UUID(stream.aggregateId);
  const filter = afterSequence === 0 ? {} : { sequence: { $gt: afterSequence } };
  return store.events
    .find({ tenantId, aggregateType, aggregateId, ...filter })
    .sort({ sequence: 1 })
    .batchSize(1_000)
    .map(store.registry.upcast);
}

/** One page of a stream in sequence order, as it is stored. @returns up to `limit` events after sequence `after` */
export function pageStream(
  store: Log,
  { tenantId, aggregateType, aggregateId }: StreamRef,
  { after = 0, limit }: { readonly after?: number; readonly limit: number },
): Promise<StoredEvent[]> {
  const filter = { tenantId, aggregateType, aggregateId: new UUID(aggregateId), sequence: { $gt: after } };
  return store.events.find(filter).sort({ sequence: 1 }).limit(limit).toArray();
}
