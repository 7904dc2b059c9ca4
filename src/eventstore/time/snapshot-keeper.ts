import { LRUCache } from 'lru-cache';
import type { Collection, Db } from 'mongodb';
import type { Logger } from 'pino';
import { type Aggregate, type Command, type StreamRef, streamKey } from '../aggregate.ts';
import { turn } from '../backoff.ts';
import type { StoredEvent } from '../event.ts';
import type { Log } from '../log/log.ts';
import type { Registry } from '../registry.ts';
import type { StoreObserver } from '../store-observer.ts';
import type { TimeParts } from './counting.ts';
import { milestonesOf } from './snapshot-build.ts';
import { openSnapshotReads, type SnapshotReads } from './snapshot-reads.ts';
import { openSnapshotWrites, type WriteSnapshots } from './snapshot-writes.ts';
import type { Milestone } from './snapshots.ts';

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
/** Streams of which is known that theirs were written from the log. */
const REMEMBERED = 10_000;

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

export function openSnapshots({ db, events, log, registry, observer, every }: SnapshotParts): Snapshots {
  const reads = openSnapshotReads(db, registry);
  const parts = { events, registry, snapshots: { every, reads } };
  const write = openSnapshotWrites(db, registry, observer);
  const waiting: Milestone[] = [];
  const builds = new Map<string, Build>();
  const built = new LRUCache<string, true>({ max: REMEMBERED });
  let running: Promise<void> | undefined;
  let closed = false;

  const guarded = async (count: number, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      observer.snapshots('dropped', count);
      if (!closed) log.warn({ err: error }, 'snapshots could not be written');
    }
  };

  /** Writes what waits, and builds where nothing waits. */
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
      await guarded(1, () => writeMissing(parts, next[1], write, () => closed));
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

/** Writes the snapshots that a stream lacks, unless it is told to stop. */
async function writeMissing(
  parts: TimeParts,
  { stream, aggregate }: Build,
  write: WriteSnapshots,
  isStopped: () => boolean,
): Promise<void> {
  let batch: Milestone[] = [];
  for await (const milestone of milestonesOf(parts, stream, aggregate)) {
    if (isStopped()) return;
    batch.push(milestone);
    if (batch.length < WRITE_BATCH) continue;
    await write(batch);
    batch = [];
  }
  await write(batch);
}
