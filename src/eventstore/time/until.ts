import { type Filter, UUID } from 'mongodb';
import type { StreamRef } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import { LATE_ANYHOW_MS, LATE_WITHIN_MS } from '../time-order.ts';

/** Up to where a stream is asked about; an absent bound is none. */
export interface Until {
  readonly occurredAt?: Date | undefined;
  readonly recordedAt?: Date | undefined;
  readonly sequence?: number | undefined;
}

/** True for an event that had happened by then, and was recorded. */
export function isWithin(event: StoredEvent, until: Until): boolean {
  return (until.occurredAt === undefined || event.occurredAt <= until.occurredAt) && isRecorded(event, until);
}

/** True for an event that was recorded by then. */
export function isRecorded({ recordedAt, sequence }: StoredEvent, until: Until): boolean {
  return (
    (until.recordedAt === undefined || recordedAt <= until.recordedAt) &&
    (until.sequence === undefined || sequence <= until.sequence)
  );
}

/** The stream in a query. */
export function inStream({ tenantId, aggregateType, aggregateId }: StreamRef) {
  return { tenantId, aggregateType, aggregateId: new UUID(aggregateId) };
}

/** The query for events between two sequences, both included, as far as they count; by the index on streams. */
export function rangeFilter(
  stream: ReturnType<typeof inStream>,
  first: number,
  last: number,
  { occurredAt, recordedAt }: Until,
): Filter<StoredEvent> {
  return {
    ...stream,
    sequence: { $gte: first, $lte: last },
    // What founds the stream may count whenever it occurred.
    ...(occurredAt === undefined || first === 1 ? {} : { occurredAt: { $lte: occurredAt } }),
    ...(recordedAt === undefined ? {} : { recordedAt: { $lte: recordedAt } }),
  };
}

/**
 * The query for events that came out of order and may count behind one that does not, by the index on late events.
 * @returns undefined where there can be none
 */
export function lateFilter(
  stream: StreamRef,
  fromSequence: number,
  { occurredAt, recordedAt, sequence }: Until,
): Filter<StoredEvent> | undefined {
  if (occurredAt === undefined && recordedAt === undefined) return undefined;
  const marked = (lateWithinMs: number, occurred: object): Filter<StoredEvent> => ({
    ...inStream(stream),
    'metadata.lateWithinMs': lateWithinMs,
    ...(Object.keys(occurred).length === 0 ? {} : { occurredAt: occurred }),
    sequence: { $gte: fromSequence, ...(sequence === undefined ? {} : { $lte: sequence }) },
    ...(recordedAt === undefined ? {} : { recordedAt: { $lte: recordedAt } }),
  });
  const anyhow = marked(LATE_ANYHOW_MS, occurredAt === undefined ? {} : { $lte: occurredAt });
  if (occurredAt === undefined) return anyhow;
  const within = LATE_WITHIN_MS.map((mark) =>
    marked(mark, { $gt: new Date(occurredAt.getTime() - mark), $lte: occurredAt }),
  );
  return { $or: [...within, anyhow] };
}
