import { LRUCache } from 'lru-cache';
import { type Collection, type Db, MongoBulkWriteError } from 'mongodb';
import type { Logger } from 'pino';
import type { Aggregate, Command } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import { isDuplicateKey } from '../faults.ts';
import type { Log } from '../log/log.ts';
import { turn } from '../next-turn.ts';
import type { Registry } from '../registry.ts';
import type { StoreObserver } from '../store-observer.ts';
import { type StreamRef, streamKey } from '../stream.ts';
import { milestonesOf } from './snapshot-build.ts';
import {
  isTimed,
  openSnapshotReads,
  type SnapshotReads,
  type TimedSnapshot,
  type Until,
} from './snapshot-reads.ts';
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

/** Writes and finds snapshots. Nobody ever waits for one to be written. */
export interface Snapshots {
  /** Every how many events of a stream its fold is written down; 0: never. */
  readonly every: number;
  readonly reads: SnapshotReads;
  /** Takes folds that are in the log, to write them down when there is time; drops them when too many wait. */
  offer(milestones: readonly Milestone[]): void;
  /** Writes those that a stream lacks, when there is time; once per stream. */
  build(stream: StreamRef, aggregate: Aggregate<unknown, Command>): void;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
  /** Writes nothing more. */
  close(): Promise<void>;
}

/** The log with the snapshots of its streams: for whoever loads a stream, or asks how it was. */
export interface TimedLog extends Log {
  readonly snapshots: Snapshots;
}

/** Folds that may wait to be written; each holds the state and the rows of a stream. */
const MAX_WAITING = 1_000;
/** Streams that may wait for theirs to be written from the log. */
const MAX_BUILDS = 100;
/** Snapshots in one stroke. */
const WRITE_BATCH = 100;
/** Streams of which is known that they were built, or what their order of time costs. */
const REMEMBERED = 10_000;
/** The order of time of a stream with late events is told as often as it takes at most this many reads an event. */
const READS_PER_EVENT = 10;
/** So many snapshots behind the newest event is far. */
const FAR_BEHIND = 4;

export interface SnapshotParts {
  readonly db: Db;
  readonly events: Collection<StoredEvent>;
  readonly log: Logger;
  readonly registry: Registry;
  readonly observer: StoreObserver;
  readonly every: number;
}

interface Build {
  readonly stream: StreamRef;
  readonly aggregate: Aggregate<unknown, Command>;
}

export function openSnapshots(parts: SnapshotParts): Snapshots {
  const { db, log, observer, every } = parts;
  const reads = openSnapshotReads(db);
  const timeParts = { ...parts, snapshots: { every, reads } };
  const waiting: Milestone[] = [];
  const builds = new Map<string, Build>();
  const built = new LRUCache<string, true>({ max: REMEMBERED });
  /** By stream: up to which sequence its order of time need not be told again. */
  const costly = new LRUCache<string, number>({ max: REMEMBERED });
  let running: Promise<void> | undefined;
  let closed = false;

  /** The fold in the order of time; undefined where it would take too long. */
  const timeOf = async (milestone: Milestone, ready: readonly Snapshot[]): Promise<TimePart | undefined> => {
    const { sequence, extent } = milestone.folded;
    if (extent.lagMs === 0) return timeInOrder(milestone);
    const stream = streamOfMilestone(milestone);
    const key = streamKey(stream);
    if (sequence < (costly.get(key) ?? 0)) return undefined;
    // The one before may be on its way to the database yet.
    const known = { every, reads: { ...reads, until: preferring(ready, stream, reads.until) } };
    let read = 0;
    const tell = async (settled: boolean): Promise<TimePart | undefined> => {
      const at = new Date(extent.newestOccurredAt - (settled ? extent.lagMs : 0));
      const until = { occurredAt: at, sequence };
      const told = await foldInTime({ ...timeParts, snapshots: known }, stream, milestone.aggregate, until);
      read += told.read;
      const { before } = told.end;
      return before === null
        ? undefined
        : { at, from: told.end.sequence, eventId: before, settled, rows: told.rows };
    };
    let time = await tell(true);
    // Far behind the newest event, it is of no use near that: then every other one is not settled.
    const behind = sequence - (time?.from ?? 0);
    if (behind > FAR_BEHIND * every && (sequence / every) % 2 === 1) time = await tell(false);
    costly.set(key, sequence + Math.floor(read / READS_PER_EVENT));
    return time;
  };

  const insert = async (snapshots: readonly Snapshot[]): Promise<void> => {
    if (snapshots.length === 0) return;
    try {
      await snapshotsOf(db).insertMany([...snapshots], { ordered: false, ignoreUndefined: true });
    } catch (error) {
      // Another process was there first, with the same.
      if (!(error instanceof MongoBulkWriteError) || !isDuplicateKey(error)) throw error;
    }
    observer.snapshots('written', snapshots.length);
  };

  const write = async (milestones: readonly Milestone[]): Promise<void> => {
    const ready: Snapshot[] = [];
    for (const milestone of milestones) {
      const snapshot = snapshotOf(milestone, await timeOf(milestone, ready));
      if (snapshot !== undefined) ready.push(snapshot);
    }
    await insert(ready);
  };

  const guarded = async (count: number, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      observer.snapshots('dropped', count);
      if (!closed) log.warn({ err: error }, 'snapshots could not be written');
    }
  };

  const buildOne = async ({ stream, aggregate }: Build): Promise<void> => {
    let batch: Milestone[] = [];
    for await (const milestone of milestonesOf(timeParts, stream, aggregate)) {
      if (closed) return;
      batch.push(milestone);
      if (batch.length < WRITE_BATCH) continue;
      await write(batch);
      batch = [];
    }
    await write(batch);
  };

  const run = async (): Promise<void> => {
    for (;;) {
      await turn();
      if (closed) return;
      const batch = waiting.splice(0, WRITE_BATCH);
      if (batch.length > 0) {
        await guarded(batch.length, () => write(batch));
        continue;
      }
      const [next] = builds;
      if (next === undefined) return;
      builds.delete(next[0]);
      await guarded(1, () => buildOne(next[1]));
    }
  };

  const wake = (): void => {
    running ??= run().finally(() => {
      running = undefined;
      if (!closed && waiting.length + builds.size > 0) wake();
    });
  };

  return {
    every,
    reads,
    offer(milestones) {
      if (closed) return;
      const room = Math.max(0, MAX_WAITING - waiting.length);
      waiting.push(...milestones.slice(0, room));
      if (milestones.length > room) observer.snapshots('dropped', milestones.length - room);
      wake();
    },
    build(stream, aggregate) {
      const key = streamKey(stream);
      if (closed || every === 0 || built.has(key) || builds.size >= MAX_BUILDS) return;
      built.set(key, true);
      builds.set(key, { stream, aggregate });
      wake();
    },
    async idle() {
      while (running !== undefined) await running;
    },
    async close() {
      closed = true;
      await running;
    },
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
