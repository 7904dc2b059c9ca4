import { setTimeout as pause } from 'node:timers/promises';
import { type Db, Timestamp } from 'mongodb';
import type { SeededRandom } from '../client/seeded-random.ts';
import { clusterNow } from '../eventstore/changes.ts';
import { handle } from '../eventstore/command/handle.ts';
import type { Store } from '../eventstore/command/store.ts';
import { newId } from '../eventstore/ids.ts';
import { tendersRead } from '../tender/projection.ts';
import { fleetStatus } from '../vehicle/projection.ts';
import { checkVerified } from './check/rows.ts';
import { TRANSPORTS, type Transport } from './client/connection.ts';
import { follow, type ResumingSubscriber, type Subscribed } from './client/resuming-subscriber.ts';
import { baseOf, DRILL_TENANT, fleetOf, makeIntent, randomFor, STREAM_KINDS } from './data/stream-kinds.ts';
import type { Scratch } from './drill.ts';
import { startGateway } from './process/gateway.ts';
import { startKillableGateways } from './process/killable-gateways.ts';
import { count, type DrillReport } from './report.ts';

export interface RolloverDrill {
  /** Streams of each kind at the beginning, and as many changes and new ones meanwhile. */
  readonly streams: number;
  readonly seed: string;
}

/** Room for the history of changes, in MB: small, so that it is soon gone. */
export const OPLOG_MB = 16;

const FOLLOWED: readonly Subscribed[] = ['events', 'tenders', 'vehicles'];
const PATIENCE_MS = 60_000;
const LOOK_MS = 50;
const MB = 1_048_576;
const FILLER = 'drill_filler';

/** A subscriber and what it was told that others are not. */
interface Watcher extends ResumingSubscriber {
  readonly transport: Transport;
  readonly gaps: readonly string[];
}

interface Stream {
  readonly kind: (typeof STREAM_KINDS)[number];
  readonly id: string;
}

/**
 * Lets the database forget its changes while subscribers are away and the projector is down: the former are told a gap and a new
 * snapshot, the latter catches up from the log.
 */
export async function drillRollover(
  scratch: Scratch,
  { streams: number, seed }: RolloverDrill,
  report: DrillReport,
): Promise<void> {
  const random = randomFor(seed, 'rollover');
  const gateways = await startKillableGateways(scratch, 1);
  const projector = await startGateway(scratch, { WAYBILL_ROLE: 'projector' });
  const store = await scratch.openStore();
  const streams = await begin(store, number, random);
  const watchers = TRANSPORTS.flatMap((transport) =>
    FOLLOWED.map((of) => watch(of, transport, gateways.url, gateways.token, report)),
  );
  scratch.onClose(() => Promise.all(watchers.map((watcher) => watcher.stop())).then(() => undefined));
  await Promise.all(watchers.map(({ began }) => began));
  await checkScreens(store, watchers, 'before', report);

  const returns = watchers.map((watcher) => watcher.leave());
  // Its memory would still know what the database has forgotten.
  await gateways.kill();
  projector.process.kill('SIGKILL');
  const leftAt = await clusterNow(store.db);
  await change(store, streams, random);
  await begin(store, number, random);
  await report.timed(
    () => rollOver(store.db, leftAt, scratch.signal),
    (mb) => `wrote ${count(mb)} MB, until the database had forgotten what happened before`,
  );

  await Promise.all([gateways.start(), startGateway(scratch, { WAYBILL_ROLE: 'projector' })]);
  for (const comeBack of returns) comeBack();
  for (const { of, transport, gaps } of watchers) {
    for (let waitedMs = 0; gaps.length === 0 && waitedMs < PATIENCE_MS; waitedMs += LOOK_MS)
      await pause(LOOK_MS);
    if (gaps.join() !== 'HISTORY_LOST')
      report.problem(`a subscriber of ${of} over ${transport} was told of ${gaps.join() || 'no gap'}.`);
  }
  const toldBefore = watchers.map(({ told }) => told.length);
  const changed = await change(store, streams, random);
  await checkScreens(store, watchers, 'after', report);
  report.say(`${watchers.length} subscribers were told of a gap, and show what there is`);
  for (const [index, { of, transport, told }] of watchers.entries()) {
    const more = told.length - (toldBefore[index] ?? 0);
    if (of === 'events' && more !== changed)
      report.problem(`the log over ${transport} told ${more} events after the gap, not ${changed}.`);
  }
  await checkVerified(store, report);
}

function watch(
  of: Subscribed,
  transport: Transport,
  gateway: () => string | undefined,
  token: string,
  report: DrillReport,
): Watcher {
  const gaps: string[] = [];
  const onTrouble = (what: string): void =>
    report.problem(`a subscriber of ${of} over ${transport} was told ${what}.`);
  const onGap = (reason: string): void => void gaps.push(reason);
  const follower = follow({ of, transport, token, gateway, onTrouble, onGap });
  // A copy would not see what changes.
  return Object.assign(follower, { transport, gaps });
}

async function begin(store: Store, number: number, random: SeededRandom): Promise<Stream[]> {
  const streams = STREAM_KINDS.flatMap((kind) =>
    Array.from({ length: number }, () => ({ kind, id: newId() })),
  );
  for (const [index, { kind, id }] of streams.entries()) {
    const command = kind.begin(random, baseOf(random), fleetOf(index));
    await handle(store, makeIntent(kind, id, command, { key: newId(), creates: true }));
  }
  return streams;
}

/** @returns how many events that made */
async function change(store: Store, streams: readonly Stream[], random: SeededRandom): Promise<number> {
  let events = 0;
  for (const { kind, id } of streams) {
    const command = kind.next(random, baseOf(random));
    events += (await handle(store, makeIntent(kind, id, command, { key: newId() }))).events.length;
  }
  return events;
}

/** Writes until the oldest change that is kept is younger than `moment`. @returns how much, in MB */
async function rollOver(db: Db, moment: Timestamp, signal: AbortSignal): Promise<number> {
  const filler = db.collection(FILLER);
  const oplog = db.client.db('local').collection('oplog.rs');
  const bytes = Buffer.alloc(MB);
  const deadline = performance.now() + PATIENCE_MS;
  for (let mb = 0; ; mb++) {
    signal.throwIfAborted();
    const oldest = await oplog.findOne({}, { sort: { $natural: 1 }, projection: { ts: 1 } });
    if (oldest?.ts instanceof Timestamp && oldest.ts.greaterThan(moment)) {
      await filler.drop();
      return mb;
    }
    if (performance.now() > deadline) throw new Error('The database forgets nothing.');
    await filler.insertOne({ bytes });
    // What was forgotten is taken away now and then.
    if (mb > 2 * OPLOG_MB) await pause(LOOK_MS);
  }
}

/** Every screen comes to show what the read model has. */
async function checkScreens(
  store: Store,
  watchers: readonly Watcher[],
  when: string,
  report: DrillReport,
): Promise<void> {
  for (const { of, transport, shown } of watchers) {
    if (of === 'events') continue;
    const [projection, prefix] = of === 'tenders' ? [tendersRead, 'tender'] : [fleetStatus, 'vehicle'];
    const kind = projection.aggregateType;
    const truth = async (): Promise<Map<string, number>> => {
      const streams = store.events.aggregate<{ _id: object; last: number }>([
        { $match: { tenantId: DRILL_TENANT, aggregateType: kind } },
        { $group: { _id: '$aggregateId', last: { $max: '$sequence' } } },
      ]);
      return new Map((await streams.toArray()).map(({ _id, last }) => [`${prefix}_${_id}`, last]));
    };
    const expected = await truth();
    const wrong = (): string | undefined =>
      [...expected.keys()].find((id) => shown.get(id) !== expected.get(id));
    for (let waitedMs = 0; wrong() !== undefined && waitedMs < PATIENCE_MS; waitedMs += LOOK_MS)
      await pause(LOOK_MS);
    const id = wrong();
    const who = `the screen of ${of} over ${transport}, ${when},`;
    if (id !== undefined)
      report.problem(`${who} shows ${shown.get(id)} of ${id}, which is at ${expected.get(id)}.`);
    else if (shown.size !== expected.size)
      report.problem(`${who} shows ${shown.size} rows, where there are ${expected.size}.`);
  }
}
