import type { Metadata, StoredEvent } from './event.ts';

// Events fold in the order of their stream. Asked how it was at a moment, those fold that had taken effect by then. The
// newest effective time along a stream only grows; an event that takes effect before it came late. Such events are marked
// as they are appended, and an index finds the marked ones: of all others, a beginning of the stream had taken effect.

/** What says when an event takes effect: its place, or its type. */
export type Timing =
  /** The first of its stream: at its occurredAt, or with the earliest observation of the stream, if that is earlier. */
  | 'first'
  /** At its occurredAt, but never before the decisions that stand earlier in its stream. */
  | 'decision'
  /** At its occurredAt. */
  | 'observation'
  /** As an observation; of those that count, only the ones of the newest moment make a difference. */
  | 'reading';

/** How far a stream has come in both of its times, in ms since 1970; -Infinity where nothing counts yet. */
export interface Extent {
  /** The newest moment at which one of its events took effect, the first event apart. */
  readonly newestAt: number;
  /** The same of its decisions. */
  readonly newestDecisionAt: number;
  /** When its first event takes effect, as far as is known; Infinity before it. */
  readonly foundedAt: number;
  readonly newestRecordedAt: number;
}

export const NO_EXTENT: Extent = {
  newestAt: Number.NEGATIVE_INFINITY,
  newestDecisionAt: Number.NEGATIVE_INFINITY,
  foundedAt: Number.POSITIVE_INFINITY,
  newestRecordedAt: Number.NEGATIVE_INFINITY,
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

/** The mark of what came later than any of these. */
export const LATE_ANYHOW_MS = 16 ** 12;

/** The mark of every late reading: of these only the newest is looked for, however late it came. */
export const LATE_READING_MS = 16 ** 13;

/** The mark of events whose recordedAt is out of order. */
export const RECORDED_LATE_MS = 16 ** 14;

/** Every mark. */
export const LATE_MARKS: readonly number[] = [
  ...LATE_WITHIN_MS,
  LATE_ANYHOW_MS,
  LATE_READING_MS,
  RECORDED_LATE_MS,
];

/** The index that holds the marked events and no others. */
export const LATE_INDEX = {
  tenantId: 1,
  aggregateType: 1,
  aggregateId: 1,
  'metadata.lateWithinMs': 1,
  occurredAt: 1,
  sequence: 1,
} as const;

/** When an event takes effect, as it was recorded. The first of its stream may do so sooner, with what was seen before it. */
export function effectiveAt({ metadata, occurredAt }: StoredEvent): Date {
  return metadata.effectiveAt ?? occurredAt;
}

/** When to record an event after `extent`: now, but never before the event before it. @param now in ms since 1970 */
export function recordedAfter(extent: Extent, now: number): Date {
  const ahead = extent.newestRecordedAt - now;
  return new Date(ahead > 0 && ahead <= SERVER_SKEW_MS ? extent.newestRecordedAt : now);
}

/** When an event after `extent` takes effect, in ms since 1970. */
export function effectAfter(extent: Extent, timing: Timing, occurredAt: Date): number {
  const at = occurredAt.getTime();
  return timing === 'decision' ? Math.max(at, extent.newestDecisionAt) : at;
}

/** What is noted about the time of an event. */
export type TimeMarks = Pick<Metadata, 'lateWithinMs' | 'effectiveAt'>;

/** The times of an event that is to be stored. */
type Times = Pick<StoredEvent, 'occurredAt' | 'recordedAt'>;

/**
 * What to note about the time of an event that comes after `extent`.
 * @returns undefined for an event that is in order, as most are
 */
export function marksAfter(extent: Extent, timing: Timing, times: Times): TimeMarks | undefined {
  const lateWithinMs = lateMark(extent, timing, times);
  // Also where it takes effect at its occurredAt after all: what says nothing was stored before this was noted.
  const isMoved = timing === 'decision' && times.occurredAt.getTime() < extent.newestAt;
  if (lateWithinMs === undefined && !isMoved) return undefined;
  return {
    ...(lateWithinMs === undefined ? {} : { lateWithinMs }),
    ...(isMoved ? { effectiveAt: new Date(effectAfter(extent, timing, times.occurredAt)) } : {}),
  };
}

function lateMark(extent: Extent, timing: Timing, times: Times): number | undefined {
  if (times.recordedAt.getTime() < extent.newestRecordedAt) return RECORDED_LATE_MS;
  const isLate = effectAfter(extent, timing, times.occurredAt) < extent.newestAt;
  if (!isLate || timing === 'first') return undefined;
  if (timing === 'reading') return LATE_READING_MS;
  // The index has its occurredAt, so that is what the mark bounds.
  const lateMs = extent.newestAt - times.occurredAt.getTime();
  return LATE_WITHIN_MS.find((limit) => lateMs < limit) ?? LATE_ANYHOW_MS;
}

/** An event that was recorded elsewhere, with what this log would have noted about its time after `extent`. */
export function marked(event: StoredEvent, extent: Extent, timing: Timing): StoredEvent {
  const { lateWithinMs, effectiveAt: moved, ...metadata } = event.metadata;
  const marks = marksAfter(extent, timing, event);
  const isSame = marks?.lateWithinMs === lateWithinMs && marks?.effectiveAt?.getTime() === moved?.getTime();
  return isSame ? event : { ...event, metadata: { ...metadata, ...marks } };
}

/** The extent of a stream with one event more. */
export function extended(extent: Extent, event: Times, timing: Timing): Extent {
  const recordedAt = event.recordedAt.getTime();
  const newestRecordedAt = Math.max(recordedAt, extent.newestRecordedAt);
  const at = effectAfter(extent, timing, event.occurredAt);
  if (timing === 'first') return { ...extent, foundedAt: at, newestRecordedAt };
  const newestAt = Math.max(at, extent.newestAt);
  if (timing === 'decision') return { ...extent, newestAt, newestDecisionAt: at, newestRecordedAt };
  return { ...extent, newestAt, foundedAt: Math.min(at, extent.foundedAt), newestRecordedAt };
}
