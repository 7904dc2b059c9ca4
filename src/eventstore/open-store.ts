import type { Db, MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import type { Workflow } from './aggregate.ts';
import { type Clock, openClock } from './clock.ts';
import { openCommitter } from './command/committer.ts';
import { openStreamQueues, openWorkflows } from './command/intent.ts';
import type { Store } from './command/store.ts';
import type { EventDefinition, StoredEvent } from './event.ts';
import { openStreamCache } from './fold.ts';
import { newId } from './ids.ts';
import { createIndexes, createRowIndexes, EVENT_INDEXES } from './indexes.ts';
import { openHorizon } from './log/horizon.ts';
import { openPointReads } from './log/point-reads.ts';
import { openStreamReads } from './log/stream-reads.ts';
import { openNewerMet } from './newer.ts';
import { openLiveGenerations } from './projection/generation/live.ts';
import { openRowReads } from './projection/row-reads.ts';
import type { Projection } from './projection.ts';
import { proveEmpty } from './recovery/proof.ts';
import { openRegistry } from './registry.ts';
import { SILENT_STORE, type StoreObserver } from './store-observer.ts';
import { openSnapshots } from './time/snapshot-keeper.ts';
import { SNAPSHOT_EVERY, SNAPSHOT_INDEXES, snapshotsOf } from './time/snapshots.ts';
import { openTimeline } from './timeline.ts';

export interface StoreOptions {
  readonly client: MongoClient;
  readonly db: Db;
  readonly log: Logger;
  readonly definitions: readonly EventDefinition[];
  readonly projections: readonly Projection[];
  /** What commands ask of streams other than their own; not optional, so that nobody can forget it. */
  readonly workflows: readonly Workflow[];
  /** Every how many events of a stream its fold is written down; 0 for never. */
  readonly snapshotEvery?: number;
  readonly observer?: StoreObserver;
  /** By which this process dates what it records; the database's unless given, which only tests do. */
  readonly clock?: Clock;
}

/** Opens the store on a database and creates the indexes it lacks. The caller keeps and closes the client. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { client, db, log, definitions, projections } = options;
  const observer = options.observer ?? SILENT_STORE;
  const events = db.collection<StoredEvent>('events', {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
  const clock = options.clock ?? (await openClock(db, log));
  const producerId = `gateway-${newId()}`;
  // Created one after another: two index builds at once on a new collection only wait for each other.
  await createIndexes(events, EVENT_INDEXES, log);
  const timeline = await openTimeline(db, log);
  const newer = openNewerMet(log, observer);
  const live = await openLiveGenerations({ ...options, producerId, onNewer: newer.note });
  await createIndexes(snapshotsOf(db), SNAPSHOT_INDEXES, log);
  for (const projection of projections)
    if (live.newerRows(projection) === undefined)
      await createRowIndexes(db, projection, live.collectionOf(projection), log);
  const registry = openRegistry(definitions, newer.note);
  const every = options.snapshotEvery ?? SNAPSHOT_EVERY;
  const store: Store = {
    client,
    db,
    events,
    log,
    clock,
    timeline,
    horizon: openHorizon(db),
    producerId,
    registry,
    newer,
    projections,
    live,
    cache: openStreamCache(),
    committer: openCommitter({ client, db, events, log, live, observer }),
    streamQueues: openStreamQueues(),
    workflows: openWorkflows(options.workflows),
    pointReads: openPointReads(events),
    rowReads: openRowReads(db),
    streamReads: openStreamReads(events),
    snapshots: openSnapshots({ db, events, log, registry, observer, every }),
    observer,
  };
  await proveEmpty(store);
  return store;
}
