import type { Filter } from 'mongodb';
import { type Aggregate, type Command, STREAM_INDEX, type StreamRef } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import { LATE_INDEX, LATE_MARKS } from '../time-order.ts';
import type { TimedLog } from './snapshot-keeper.ts';
import { inStream } from './until.ts';

/** A place in a stream in the order of time: occurredAt, then sequence. */
export interface TimePlace {
  readonly occurredAt: Date;
  readonly sequence: number;
}

/** What of a stream to page through; both moments are included, the place is not. */
export interface Stretch {
  readonly types: readonly string[];
  readonly from: Date;
  readonly to: Date;
  readonly after?: TimePlace | undefined;
}

/**
 * Observations of some types between two moments, in the order of time. What came in order is read along the stream, on from
 * the newest snapshot of nothing later than the beginning; what came late is found by the index on late events.
 * @returns up to `limit`, each in the newest version of its type
 */
export async function pageInTime(
  store: TimedLog,
  stream: StreamRef,
  aggregate: Aggregate<unknown, Command>,
  stretch: Stretch,
  limit: number,
): Promise<StoredEvent[]> {
  const { to } = stretch;
  const start = startOf(stretch);
  if (start > to || limit <= 0) return [];
  const after = await sequenceBefore(store, stream, aggregate, start);
  const filters = stretchFilters(stream, stretch, after);
  const [inOrder, late] = await Promise.all([
    // Without a bound in time: past its end, the server would look for more to the end of the stream.
    store.events.find(filters.inOrder, { hint: STREAM_INDEX }).sort({ sequence: 1 }).limit(limit).toArray(),
    store.events
      .find(filters.late, { hint: LATE_INDEX })
      .sort({ occurredAt: 1, sequence: 1 })
      .limit(limit)
      .toArray(),
  ]);
  const found = [...inOrder.filter(({ occurredAt }) => occurredAt <= to), ...late];
  return found.sort(byTime).slice(0, limit).map(store.registry.upcast);
}

/** Compares two events by the order of time. */
export function byTime(a: TimePlace, b: TimePlace): number {
  return a.occurredAt.getTime() - b.occurredAt.getTime() || a.sequence - b.sequence;
}

/** Both queries of a page: along the stream after a sequence, and among the late ones. */
export function stretchFilters(
  stream: StreamRef,
  stretch: Stretch,
  afterSequence: number,
): { readonly inOrder: Filter<StoredEvent>; readonly late: Filter<StoredEvent> } {
  const { types, to } = stretch;
  const type = { $in: [...types] };
  const start = startOf(stretch);
  const beyond = beyondPlace(stretch.after);
  return {
    inOrder: {
      ...inStream(stream),
      type,
      sequence: { $gt: afterSequence },
      occurredAt: { $gte: start },
      'metadata.lateWithinMs': { $exists: false },
      ...beyond,
    },
    late: {
      ...inStream(stream),
      'metadata.lateWithinMs': { $in: [...LATE_MARKS] },
      occurredAt: { $gte: start, $lte: to },
      type,
      ...beyond,
    },
  };
}

function startOf({ from, after }: Stretch): Date {
  return after !== undefined && after.occurredAt > from ? after.occurredAt : from;
}

function beyondPlace(after: TimePlace | undefined): Filter<StoredEvent> {
  if (after === undefined) return {};
  const { occurredAt, sequence } = after;
  return { $or: [{ occurredAt: { $gt: occurredAt } }, { occurredAt, sequence: { $gt: sequence } }] };
}

/** A sequence up to which everything occurred before `start`. */
async function sequenceBefore(
  { snapshots }: TimedLog,
  stream: StreamRef,
  aggregate: Aggregate<unknown, Command>,
  start: Date,
): Promise<number> {
  if (snapshots.every === 0) return 0;
  const until = { effectiveAt: new Date(start.getTime() - 1) };
  const snapshot = await snapshots.reads.until(stream, aggregate, until);
  return snapshot?.sequence ?? 0;
}
