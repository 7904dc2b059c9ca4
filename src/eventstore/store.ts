import type { Collection, Db, MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import { openStreamCache, type StreamCache } from './cache.ts';
import { type Committer, openCommitter } from './command/committer.ts';
import { type Lanes, openLanes } from './command/stream-queues.ts';
import type { EventDefinition, StoredEvent } from './event.ts';
import { newId } from './ids.ts';
import { createIndexes } from './indexes.ts';
import { openPointReads, type PointReads } from './log/point-reads.ts';
import { openStreamReads, type StreamReads } from './log/stream-reads.ts';
import {
  type LiveGenerations,
  type OutdatedCode,
  openLiveGenerations,
} from './projection/live-generation.ts';
import { openRowReads, type RowReads } from './projection/row-reads.ts';
import type { Projection } from './projection.ts';
import { openRegistry, type Registry } from './registry.ts';
import { openSnapshots, type Snapshots } from './time/snapshot-keeper.ts';
import { SNAPSHOT_EVERY } from './time/snapshots.ts';

/** What the store tells whoever measures it. Every call is cheap and never throws. */
export interface StoreObserver {
  /** A group of appends went to the database in one stroke. */
  committed(kind: 'insert' | 'transaction', members: number, events: number, seconds: number): void;
  /** An append was tried again: a lost race, or an unknown outcome. */
  retried(reason: 'race' | 'unknown'): void;
  /** What became of folds that make a snapshot; what is dropped is missed by nobody but the clock. */
  snapshots(fate: 'written' | 'dropped', count: number): void;
}

/** The event store of one process. */
export interface Store {
  readonly client: MongoClient;
  readonly db: Db;
  readonly events: Collection<StoredEvent>;
  readonly log: Logger;
  /** Names this process in every event's metadata. */
  readonly producerId: string;
  readonly registry: Registry;
  readonly projections: readonly Projection[];
  /** Where the rows of each read model are. */
  readonly live: LiveGenerations;
  readonly cache: StreamCache;
  readonly committer: Committer;
  readonly lanes: Lanes;
  readonly pointReads: PointReads;
  readonly rowReads: RowReads;
  readonly streamReads: StreamReads;
  readonly snapshots: Snapshots;
  readonly observer: StoreObserver;
}

export interface StoreOptions {
  readonly client: MongoClient;
  readonly db: Db;
  readonly log: Logger;
  readonly definitions: readonly EventDefinition[];
  readonly projections: readonly Projection[];
  /** Every how many events of a stream its fold is written down; 0 for never. */
  readonly snapshotEvery?: number;
  readonly observer?: StoreObserver;
  /** Told when the rows turn out to be of newer code than this: the process writes none any more, and should end. */
  readonly onOutdated?: (error: OutdatedCode) => void;
}

const SILENT: StoreObserver = { committed() {}, retried() {}, snapshots() {} };

/**
 * Opens the store on a database and creates the indexes it lacks. The caller keeps and closes the client.
 * @throws OutdatedCode where newer code has built the read models
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { client, db, log, definitions, projections } = options;
  const observer = options.observer ?? SILENT;
  const events = db.collection<StoredEvent>('events', {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
  const producerId = `gateway-${newId()}`;
  const live = await openLiveGenerations({ ...options, producerId });
  await createIndexes(db, events, projections, live);
  const registry = openRegistry(definitions);
  const every = options.snapshotEvery ?? SNAPSHOT_EVERY;
  return {
    client,
    db,
    events,
    log,
    producerId,
    registry,
    projections,
    live,
    cache: openStreamCache(),
    committer: openCommitter({ client, db, events, log, live, observer }),
    lanes: openLanes(),
    pointReads: openPointReads(events),
    rowReads: openRowReads(db),
    streamReads: openStreamReads(events),
    snapshots: openSnapshots({ db, events, log, registry, observer, every }),
    observer,
  };
}
