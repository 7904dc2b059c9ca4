import { LRUCache } from 'lru-cache';
import { MongoBulkWriteError } from 'mongodb';
import { type StreamRef, streamKey } from '../aggregate.ts';
import { isDuplicateKey } from '../faults.ts';
import type { StoreObserver } from '../store-observer.ts';
import type { TimeParts } from './counting.ts';
import { isTimed, type SnapshotReads, type TimedSnapshot } from './snapshot-reads.ts';
import {
  type Milestone,
  type Snapshot,
  snapshotOf,
  snapshotsOf,
  streamOfMilestone,
  type TimePart,
  timeInOrder,
} from './snapshots.ts';
import { foldInTime } from './time-fold.ts';
import type { Until } from './until.ts';

/** Streams of which is known what their order of time costs. */
const REMEMBERED = 10_000;
/** The order of time of a stream with late events is folded as often as it takes at most this many reads an event. */
const READS_PER_EVENT = 10;
/** So many snapshots behind the newest event is far. */
const FAR_BEHIND = 4;

/** Writes snapshots of these folds, which are in the log. */
export type WriteSnapshots = (milestones: readonly Milestone[]) => Promise<void>;

export function openSnapshotWrites(parts: TimeParts, observer: StoreObserver): WriteSnapshots {
  const timeOf = openTimeOf(parts);
  const snapshots = snapshotsOf(parts.events.db);
  const insert = async (ready: readonly Snapshot[]): Promise<void> => {
    if (ready.length === 0) return;
    try {
      await snapshots.insertMany([...ready], { ordered: false, ignoreUndefined: true });
    } catch (error) {
      // Another process was there first, with the same.
      if (!(error instanceof MongoBulkWriteError) || !isDuplicateKey(error)) throw error;
    }
    observer.snapshots('written', ready.length);
  };
  return async (milestones) => {
    const ready: Snapshot[] = [];
    for (const milestone of milestones) {
      const snapshot = snapshotOf(
        milestone,
        await timeOf(milestone, ready),
        parts.registry.kindsOf(milestone.aggregate.type),
      );
      if (snapshot !== undefined) ready.push(snapshot);
    }
    await insert(ready);
  };
}

/**
 * Folds a stream in the order of time, for its snapshot.
 * @param ready snapshots that are on their way to the database: one of them may be the one before
 * @returns undefined where it would take too long
 */
type TimeOf = (milestone: Milestone, ready: readonly Snapshot[]) => Promise<TimePart | undefined>;

function openTimeOf(parts: TimeParts): TimeOf {
  const { every, reads } = parts.snapshots;
  /** By stream: up to which sequence its order of time need not be folded again. */
  const costly = new LRUCache<string, number>({ max: REMEMBERED });
  return async (milestone, ready) => {
    const { sequence, extent } = milestone.folded;
    if (extent.lagMs === 0) return timeInOrder(milestone);
    const stream = streamOfMilestone(milestone);
    const key = streamKey(stream);
    if (sequence < (costly.get(key) ?? 0)) return undefined;
    const known = { every, reads: { ...reads, until: preferring(ready, stream, reads.until) } };
    let read = 0;
    const foldUntil = async (settled: boolean): Promise<TimePart | undefined> => {
      const at = new Date(extent.newestOccurredAt - (settled ? extent.lagMs : 0));
      const until = { occurredAt: at, sequence };
      const folded = await foldInTime({ ...parts, snapshots: known }, stream, milestone.aggregate, until);
      read += folded.read;
      const { before } = folded.end;
      if (before === null) return undefined;
      return { at, from: folded.end.sequence, eventId: before, settled, rows: folded.rows };
    };
    let time = await foldUntil(true);
    // Far behind the newest event, it is of no use near that: then every other one is not settled.
    const behind = sequence - (time?.from ?? 0);
    if (behind > FAR_BEHIND * every && (sequence / every) % 2 === 1) time = await foldUntil(false);
    costly.set(key, sequence + Math.floor(read / READS_PER_EVENT));
    return time;
  };
}

/** Looks among the snapshots at hand before it asks the database. */
function preferring(
  ready: readonly Snapshot[],
  { tenantId, aggregateType, aggregateId }: StreamRef,
  ask: SnapshotReads['until'],
): SnapshotReads['until'] {
  return async (stream, aggregate, until, limit) => {
    const fitting = ready
      .filter(isTimed)
      .filter(
        (snapshot) =>
          snapshot.aggregateId.toString() === aggregateId &&
          snapshot.aggregateType === aggregateType &&
          snapshot.tenantId === tenantId &&
          isUntil(snapshot, until),
      );
    return fitting.length === 0 ? ask(stream, aggregate, until, limit) : fitting.slice(-limit).reverse();
  };
}

function isUntil({ sequence, time }: TimedSnapshot, until: Until): boolean {
  return (
    sequence <= (until.sequence ?? sequence) &&
    (until.occurredAt === undefined || time.at <= until.occurredAt)
  );
}
