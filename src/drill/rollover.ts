import type { SeededRandom } from '../client/seeded-random.ts';
import { clusterNow } from '../eventstore/changes.ts';
import { handle } from '../eventstore/command/handle.ts';
import type { Store } from '../eventstore/command/store.ts';
import { newId } from '../eventstore/ids.ts';
import { checkVerified } from './check/rows.ts';
import { checkScreens } from './check/screens.ts';
import { TRANSPORTS } from './client/connection.ts';
import { watchGaps } from './client/gap-watcher.ts';
import { stopAll } from './client/resuming-subscribers.ts';
import type { Subscribed } from './client/subscriptions.ts';
import { type BegunStream, beginStreams } from './data/begin-streams.ts';
import { baseOf, makeIntent, randomFor } from './data/commands.ts';
import { STREAM_KINDS } from './data/stream-kinds.ts';
import type { Scratch } from './drill.ts';
import { startGateway } from './process/gateway.ts';
import { startKillableGateways } from './process/killable-gateways.ts';
import { rollOver } from './process/oplog.ts';
import { count, type DrillReport } from './report.ts';
import { until } from './until.ts';

export interface RolloverDrill {
  /** Streams of each kind at the beginning, and as many changes and new ones meanwhile. */
  readonly streams: number;
  readonly seed: string;
}

const SUBSCRIBED: readonly Subscribed[] = ['events', 'tenders', 'vehicles'];

/**
 * Makes the database forget its changes while subscribers are away and the projector is down: the subscribers are sent a gap and
 * a new snapshot, and the projector catches up from the log.
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
  const streams = await beginStreams(store, STREAM_KINDS, number, random);
  const watchers = TRANSPORTS.flatMap((transport) =>
    SUBSCRIBED.map((of) => watchGaps(of, transport, gateways.url, gateways.token, report)),
  );
  scratch.onClose(() => stopAll(watchers));
  await Promise.all(watchers.map(({ began }) => began));
  await checkScreens(store, watchers, 'before', report);

  const returns = watchers.map((watcher) => watcher.leave());
  // A running gateway would still have in memory what the database has forgotten.
  await gateways.kill();
  await projector.kill();
  const leftAt = await clusterNow(store.db);
  await change(store, streams, random);
  await beginStreams(store, STREAM_KINDS, number, random);
  await report.timed(
    () => rollOver(store.db, leftAt, scratch.signal),
    (mb) => `wrote ${count(mb)} MB, until the database had forgotten what happened before`,
  );

  await Promise.all([gateways.start(), startGateway(scratch, { WAYBILL_ROLE: 'projector' })]);
  for (const comeBack of returns) comeBack();
  for (const { of, transport, gaps } of watchers) {
    await until(() => gaps.length > 0);
    if (gaps.join() !== 'HISTORY_LOST')
      report.problem(`a subscriber of ${of} over ${transport} was told of ${gaps.join() || 'no gap'}.`);
  }
  const receivedBefore = watchers.map(({ received }) => received.length);
  const changed = await change(store, streams, random);
  await checkScreens(store, watchers, 'after', report);
  report.say(`${watchers.length} subscribers were told of a gap, and show what there is`);
  for (const [index, { of, transport, received }] of watchers.entries()) {
    const more = received.length - (receivedBefore[index] ?? 0);
    if (of === 'events' && more !== changed)
      report.problem(`the log over ${transport} told ${more} events after the gap, not ${changed}.`);
  }
  await checkVerified(store, report);
}

/** @returns how many events that made */
async function change(store: Store, streams: readonly BegunStream[], random: SeededRandom): Promise<number> {
  let events = 0;
  for (const { kind, id } of streams) {
    const command = kind.next(random, baseOf(random));
    events += (await handle(store, makeIntent(kind, id, command, { key: newId() }))).events.length;
  }
  return events;
}
