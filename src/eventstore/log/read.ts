/**
 * Log: the events as they are stored, and the ways to read them.
 *
 * In come streams, filters and ranges; out come events. log.ts is the layer of the store that all of this needs.
 * - read.ts reads a stream, a page of one, and a page of a tenant's log. point-reads.ts gathers reads of single events,
 *   stream-reads.ts those of streams.
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

/** What an auditor may ask for; every given field must fit. */
export interface EventFilter {
  readonly aggregateType?: readonly string[];
  readonly aggregateId?: readonly string[];
  readonly type?: readonly string[];
  readonly actorId?: readonly string[];
  readonly role?: readonly string[];
  readonly reasonCode?: readonly string[];
  readonly occurredFrom?: Date;
  readonly occurredTo?: Date;
  readonly recordedFrom?: Date;
  readonly recordedTo?: Date;
}

/** A place between two events of a tenant's log, in the order of `recordedAt`. */
export interface LogPlace {
  readonly recordedAt: Date;
  readonly id: string;
}

/**
 * One page of a tenant's log in the order of recordedAt, oldest first, as it is stored.
 * @returns up to `limit` events after `after`.
 */
export async function pageEvents(
  store: Log,
  tenantId: string,
  filter: EventFilter,
  page: { readonly after?: LogPlace; readonly limit: number },
): Promise<StoredEvent[]> {
  const conditions: object[] = [{ tenantId }, ...eventConditions(filter)];
  if (page.after !== undefined) {
    const { recordedAt, id } = page.after;
    conditions.push({
      recordedAt: { $gte: recordedAt },
      $or: [{ recordedAt: { $gt: recordedAt } }, { _id: { $gt: new UUID(id) } }],
    });
  }
  return store.events.find({ $and: conditions }).sort({ recordedAt: 1, _id: 1 }).limit(page.limit).toArray();
}

function eventConditions(filter: EventFilter): object[] {
  const conditions: object[] = [];
  const among = (field: string, values: readonly unknown[] | undefined): void => {
    if (values !== undefined) conditions.push({ [field]: { $in: [...values] } });
  };
  among('aggregateType', filter.aggregateType);
  among(
    'aggregateId',
    filter.aggregateId?.map((id) => new UUID(id)),
  );
  among('type', filter.type);
  among('actor.id', filter.actorId);
  among('actor.role', filter.role);
  among('reasonCode', filter.reasonCode);
  const between = (field: string, from: Date | undefined, to: Date | undefined): void => {
    if (from !== undefined) conditions.push({ [field]: { $gte: from } });
    if (to !== undefined) conditions.push({ [field]: { $lte: to } });
  };
  between('occurredAt', filter.occurredFrom, filter.occurredTo);
  between('recordedAt', filter.recordedFrom, filter.recordedTo);
  return conditions;
}

/** The same filter in memory, for subscriptions to the log. */
export function matchesEvent(filter: EventFilter, event: StoredEvent): boolean {
  const among = (values: readonly string[] | undefined, value: string | undefined): boolean =>
    values === undefined || (value !== undefined && values.includes(value));
  const between = (from: Date | undefined, to: Date | undefined, at: Date): boolean =>
    (from === undefined || at >= from) && (to === undefined || at <= to);
  return (
    among(filter.aggregateType, event.aggregateType) &&
    among(filter.aggregateId, event.aggregateId.toString()) &&
    among(filter.type, event.type) &&
    among(filter.actorId, event.actor.id) &&
    among(filter.role, event.actor.role) &&
    among(filter.reasonCode, event.reasonCode) &&
    between(filter.occurredFrom, filter.occurredTo, event.occurredAt) &&
    between(filter.recordedFrom, filter.recordedTo, event.recordedAt)
  );
}
