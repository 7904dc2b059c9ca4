import { type Filter, UUID } from 'mongodb';
import type { StreamRef } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import { LATE_ANYHOW_MS, LATE_READING_MS, LATE_WITHIN_MS, RECORDED_LATE_MS } from '../time-order.ts';

/** Up to where a stream is asked about; an absent bound is none. */
export interface Until {
  readonly effectiveAt?: Date | undefined;
  readonly recordedAt?: Date | undefined;
}

/** True for an event that was recorded by then. */
export function isRecorded({ recordedAt }: StoredEvent, until: Until): boolean {
  return until.recordedAt === undefined || recordedAt <= until.recordedAt;
}

/** The stream in a query. */
export function inStream({ tenantId, aggregateType, aggregateId }: StreamRef) {
  return { tenantId, aggregateType, aggregateId: new UUID(aggregateId) };
}

type Occurred = { readonly $lte?: Date; readonly $gt?: Date };

/**
 * The query for marked events that may count behind one that does not, by the index on late events; late readings are
 * asked for apart. None takes effect before it occurred, so that occurredAt bounds what may have taken effect.
 * @returns undefined where there can be none
 */
export function lateFilter(
  stream: StreamRef,
  afterSequence: number,
  { effectiveAt, recordedAt }: Until,
): Filter<StoredEvent> | undefined {
  if (effectiveAt === undefined && recordedAt === undefined) return undefined;
  const withMark = (lateWithinMs: number, occurredAt?: Occurred): Filter<StoredEvent> => ({
    ...inStream(stream),
    'metadata.lateWithinMs': lateWithinMs,
    ...(occurredAt === undefined ? {} : { occurredAt }),
    sequence: { $gt: afterSequence },
    ...(recordedAt === undefined ? {} : { recordedAt: { $lte: recordedAt } }),
  });
  if (effectiveAt === undefined)
    // Before there was a mark of its own, what was recorded out of order was marked like what came very late.
    return { $or: [withMark(RECORDED_LATE_MS), withMark(LATE_ANYHOW_MS)] };
  const before = { $lte: effectiveAt };
  const within = LATE_WITHIN_MS.map((mark) =>
    withMark(mark, { ...before, $gt: new Date(effectiveAt.getTime() - mark) }),
  );
  // Where not all is known, also what had not taken effect: it tells that this is not the present of then.
  const recordedLate = withMark(RECORDED_LATE_MS, recordedAt === undefined ? before : undefined);
  return { $or: [...within, withMark(LATE_ANYHOW_MS, before), recordedLate] };
}

/** The query for late readings up to a moment; the newest is the last of them in the index on late events. */
export function lateReadings(
  stream: StreamRef,
  occurredAt: Occurred | Date,
  { recordedAt }: Until,
  upToSequence?: number,
): Filter<StoredEvent> {
  return {
    ...inStream(stream),
    'metadata.lateWithinMs': LATE_READING_MS,
    occurredAt,
    ...(upToSequence === undefined ? {} : { sequence: { $lte: upToSequence } }),
    ...(recordedAt === undefined ? {} : { recordedAt: { $lte: recordedAt } }),
  };
}
