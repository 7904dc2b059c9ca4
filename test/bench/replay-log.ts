import type { Document } from 'mongodb';
import { pino } from 'pino';
import { makeLog } from '../../src/drill/data/make-log.ts';
import { STREAM_KINDS, type StreamKind } from '../../src/drill/data/stream-kinds.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import { openStore } from '../../src/eventstore/open-store.ts';
import { dropRetired } from '../../src/eventstore/rebuild/retired.ts';
import { model } from '../../src/model.ts';
import type { Mongo } from '../../src/mongo/mongo.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import { runApart } from './apart.ts';
import type { Contender } from './measure.ts';
import type { ReplayOrder } from './replay-process.ts';

/** Events of the full-size log, on streams of a hundred. */
export const REPLAY_EVENTS = 1_000_000;
const EVENTS_PER_STREAM = 100;

/** A store as a gateway has it, on a database of the bench's server; or with snapshots as rare as one wants them. */
export function openBenchStore({ client }: Mongo, database: string, snapshotEvery?: number): Promise<Store> {
  return openStore({
    client,
    db: client.db(database),
    log: pino({ level: 'silent' }),
    ...model,
    ...(snapshotEvery === undefined ? {} : { snapshotEvery }),
  });
}

/** Makes a log of so many events of vehicles, with its rows. */
export async function openReplayLog(mongo: Mongo, database: string, events: number): Promise<Store> {
  const store = await openBenchStore(mongo, database);
  const streams = Math.ceil(events / EVENTS_PER_STREAM);
  await makeLog(store, { kind: vehicles(), events, streams, seed: 'bench' });
  return store;
}

function vehicles(): StreamKind {
  const kind = STREAM_KINDS.find(({ projection }) => projection.name === fleetStatus.name);
  if (kind === undefined) throw new Error('No drill makes vehicles.');
  return kind;
}

/** The limit: every event of the kind as an object, and nothing done with it. */
export function scanOf({ events }: Store): Contender {
  return {
    name: 'plain decoded cursor scan',
    async run() {
      let count = 0;
      for await (const event of events.find({ aggregateType: fleetStatus.aggregateType }))
        if (event.sequence > 0) count += 1;
      return count;
    },
  };
}

/** Drops what rebuilds have replaced: nobody reads it, and the disk is not endless. */
export async function dropReplaced(store: Store): Promise<void> {
  await dropRetired(store, new Date(Date.now() + 86_400_000));
}

/** Peak memory of a process that does nothing else, in MiB. */
export async function peakOf(mongo: Mongo, database: string, what: ReplayOrder['what']): Promise<number> {
  const order: ReplayOrder = { uri: mongo.uri, database, what };
  return Number(await runApart('replay-process', order));
}

/** Bytes in the log's collection, in MiB, for the notes. */
export async function logMb({ db }: Store): Promise<number> {
  const [stats] = await db
    .collection('events')
    .aggregate<Document>([{ $collStats: { storageStats: {} } }])
    .toArray();
  return Math.round(Number(stats?.storageStats?.size ?? 0) / 2 ** 20);
}
