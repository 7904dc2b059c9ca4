import type { StoredEvent } from './event.ts';

// The order of time differs from the order of a stream only where an event came late. Such events are marked as they are
// appended, and an index finds the marked ones: everything else of a stream is in both orders at once.

/** When an event takes effect: see `Effect`. What founds its stream may do so sooner, with what was seen before it. */
export function effectiveAt({ metadata, occurredAt }: StoredEvent): Date {
  return metadata.effectiveAt ?? occurredAt;
}

/** How far a stream has come in both of its times, in ms since 1970. */
export interface Extent {
  /** -Infinity before the first event that counts. */
  readonly newestOccurredAt: number;
  readonly newestRecordedAt: number;
  /** The most that an event of it came late, in ms; 0 where all came in order. */
  readonly lagMs: number;
}

export const NO_EXTENT: Extent = {
  newestOccurredAt: Number.NEGATIVE_INFINITY,
  newestRecordedAt: Number.NEGATIVE_INFINITY,
  lagMs: 0,
};

/**
 * Servers' clocks differ: one that is behind by up to this many ms records at the moment of the event before it, so
 * that recordedAt never runs backwards within a stream. By a clock that is further off, later events are not dated.
 */
export const SERVER_SKEW_MS = 60_000;

/**
 * The marks there are: older than the newest event before it by less than this many ms (a minute, a quarter of an hour,
 * a few hours, some weeks). A search for late events that reach over a moment looks no further back than each mark says.
 * More marks would cost more looks than they spare (0.1 ms each, measured).
 */
export const LATE_WITHIN_MS: readonly number[] = [16 ** 4, 16 ** 5, 16 ** 6, 16 ** 8];

/** The mark of what came later than any of these, and of events whose recordedAt is out of order. */
export const LATE_ANYHOW_MS = 16 ** 12;

/** The index that holds the marked events and no others. */
export const LATE_INDEX = {
  tenantId: 1,
  aggregateType: 1,
  aggregateId: 1,
  'metadata.lateWithinMs': 1,
  occurredAt: 1,
  sequence: 1,
} as const;

/** When to record an event after `extent`: now, but never before the event before it. @param now in ms since 1970 */
export function recordedAfter(extent: Extent, now: number): Date {
  const ahead = extent.newestRecordedAt - now;
  return new Date(ahead > 0 && ahead <= SERVER_SKEW_MS ? extent.newestRecordedAt : now);
}

/**
 * The mark of an event that comes after `extent`: `metadata.lateWithinMs`.
 * @returns undefined for an event in order, which most are
 */
export function lateMark(extent: Extent, occurredAt: Date, recordedAt: Date): number | undefined {
  if (recordedAt.getTime() < extent.newestRecordedAt) return LATE_ANYHOW_MS;
  const lateMs = extent.newestOccurredAt - occurredAt.getTime();
  if (!(lateMs > 0)) return undefined;
  return LATE_WITHIN_MS.find((limit) => lateMs < limit) ?? LATE_ANYHOW_MS;
}

/** An event that was recorded elsewhere, with the mark that this log would have given it after `extent`. */
export function marked(event: StoredEvent, extent: Extent, founding: boolean): StoredEvent {
  const { lateWithinMs, ...metadata } = event.metadata;
  const mark = lateMark(extent, founding ? FOUNDING : event.occurredAt, event.recordedAt);
  if (mark === lateWithinMs) return event;
  return { ...event, metadata: mark === undefined ? metadata : { ...metadata, lateWithinMs: mark } };
}

/** A founding event is never late, since it takes its place before all others: it is taken to occur at the end of time. */
const FOUNDING = new Date(8.64e15);

/**
 * The extent of a stream with one event more.
 * @param founding true for an event that takes its place before all others whenever it occurred
 */
export function extended(extent: Extent, event: StoredEvent, founding: boolean): Extent {
  const occurredAt = founding ? Number.NEGATIVE_INFINITY : event.occurredAt.getTime();
  const recordedAt = event.recordedAt.getTime();
  const { newestOccurredAt, newestRecordedAt, lagMs } = extent;
  return {
    newestOccurredAt: occurredAt > newestOccurredAt ? occurredAt : newestOccurredAt,
    newestRecordedAt: recordedAt > newestRecordedAt ? recordedAt : newestRecordedAt,
    lagMs: lagWith(lagMs, newestOccurredAt - occurredAt, newestRecordedAt - recordedAt),
  };
}

function lagWith(lagMs: number, lateMs: number, skewMs: number): number {
  if (lateMs > lagMs && Number.isFinite(lateMs)) return lateMs;
  return skewMs > 0 && lagMs === 0 ? 1 : lagMs;
}
