import type { Store } from '../eventstore/command/store.ts';
import { type Feed, openFeed } from '../eventstore/feed/feed.ts';
import { startProjector } from '../eventstore/projection/projector.ts';
import { checkLog } from './check/log.ts';
import { checkRows } from './check/rows.ts';
import { checkBoards } from './check/screens.ts';
import { type BoardReader, startBoardReader } from './client/board-reader.ts';
import { type BoardSubscriber, subscribeToBoard } from './client/board-subscriber.ts';
import type { Written } from './client/write.ts';
import { startWriters } from './client/writers.ts';
import { FLEETS, fleetOf } from './data/commands.ts';
import { makeLog } from './data/make-log.ts';
import type { StreamKind } from './data/stream-kinds.ts';
import type { Scratch } from './drill.ts';
import { rebuildKilled } from './process/killed-rebuild.ts';
import { count, type DrillReport, rate } from './report.ts';

export interface ReplayDrill {
  readonly kind: StreamKind;
  readonly events: number;
  readonly streams: number;
  /** Half of them subscribe, half of them ask. */
  readonly readers: number;
  readonly writesPerSecond: number;
  readonly kills: number;
  readonly seed: string;
}

/** Streams that are written to, spread over the log: people work on few of those that are there. */
const HOT_STREAMS = 200;

/** Rebuilds a read model under writers and readers, and kills the rebuild in the middle: none of them may notice. */
export async function drillReplay(scratch: Scratch, drill: ReplayDrill, report: DrillReport): Promise<void> {
  const { kind, events, readers, seed } = drill;
  const { projection } = kind;
  // Two gateways, as far as the database can tell.
  const stores = [await scratch.openStore(), await scratch.openStore()] as const;
  const [store] = stores;
  const made = await report.timed(
    () => makeLog(store, { ...drill, signal: scratch.signal }),
    (streams, seconds) =>
      `made ${count(events)} events of ${count(streams.length)} streams (${rate(events, seconds)})`,
  );
  for (const each of stores) {
    const projector = await startProjector(each, [projection]);
    scratch.onClose(() => projector.stop());
  }
  const reading = await report.timed(
    () => startReaders(scratch, stores, drill, report),
    ({ subscribers, asking }) =>
      `${count(subscribers.length)} readers subscribed and ${count(asking.length)} ask`,
  );
  const every = Math.max(1, Math.floor(made.length / HOT_STREAMS));
  const ids = made.filter((_, index) => index % every === 0).map(({ id }) => id);
  const writers = startWriters({ kind, stores, ids, perSecond: drill.writesPerSecond, seed, report });
  scratch.onClose(() => writers.stop());
  const began = performance.now();
  await report.timed(
    () => rebuildKilled({ ...drill, db: store.db, projection, scratch, report }),
    () => `rebuilt ${projection.name}, killed and begun again included,`,
  );
  await writers.stop();
  const { recorded, begun } = writers.done;
  report.say(describe(writers.done, (performance.now() - began) / 1_000));
  if (recorded === 0 && drill.writesPerSecond > 0) report.problem('no command was recorded meanwhile.');
  await checkLog(store, kind, events + recorded, report);
  await report.timed(
    () => checkRows(store, projection, made.length + begun, report),
    (rows) => `compared ${count(rows)} rows with the fold of their streams`,
  );
  await checkBoards(store, kind, reading.subscribers, report);
  report.say(summaryOf(reading, readers));
}

interface Readers {
  readonly subscribers: readonly BoardSubscriber[];
  readonly asking: readonly BoardReader[];
}

/** Starts the readers, and waits until every subscriber has its snapshot. */
async function startReaders(
  scratch: Scratch,
  stores: readonly Store[],
  { kind, readers, streams }: ReplayDrill,
  report: DrillReport,
): Promise<Readers> {
  const feeds: Feed[] = stores.map((store) => openFeed(store));
  const subscribers: BoardSubscriber[] = [];
  const asking: BoardReader[] = [];
  scratch.onClose(async () => {
    await Promise.all([...subscribers, ...asking].map((reader) => reader.stop()));
    for (const feed of feeds) feed.close();
  });
  const fleets = Math.min(FLEETS, streams);
  for (let index = 0; index < readers; index++) {
    const [feed, store] = [feeds[index % feeds.length], stores[index % stores.length]];
    if (feed === undefined || store === undefined) break;
    const fleetId = fleetOf(Math.floor(index / 2) % fleets);
    if (index % 4 > 1) asking.push(startBoardReader(store, { kind, fleetId, report }));
    // The first one subscribes to everything.
    else
      subscribers.push(subscribeToBoard(feed, { kind, fleetId: index === 0 ? undefined : fleetId, report }));
  }
  await Promise.all(subscribers.map(({ began }) => began));
  return { subscribers, asking };
}

function describe({ recorded, repeated, longestMs }: Written, seconds: number): string {
  const again = repeated === 0 ? '' : `, ${count(repeated)} of them at another try`;
  return `${count(recorded)} commands were recorded meanwhile (${rate(recorded, seconds)})${again}; the slowest took ${count(longestMs)} ms`;
}

function summaryOf({ subscribers, asking }: Readers, readers: number): string {
  const changes = subscribers.reduce((sum, { received }) => sum + received, 0);
  const reads = asking.reduce((sum, { reads: some }) => sum + some, 0);
  return `${count(readers)} readers were told ${count(changes)} changes and asked ${count(reads)} times`;
}
