import { setTimeout as pause } from 'node:timers/promises';
import { handle } from '../eventstore/command/handle.ts';
import type { Store } from '../eventstore/command/store.ts';
import { newId } from '../eventstore/ids.ts';
import { checkTold } from './check/received.ts';
import { checkVerified } from './check/rows.ts';
import type { Transport } from './client/connection.ts';
import { follow } from './client/resuming-subscriber.ts';
import { startWriters } from './client/writers.ts';
import {
  baseOf,
  fleetOf,
  makeIntent,
  randomFor,
  STREAM_KINDS,
  type StreamKind,
} from './data/stream-kinds.ts';
import type { Scratch } from './drill.ts';
import { startKillableGateways } from './process/killable-gateways.ts';
import { count, type DrillReport } from './report.ts';

export interface ReconnectDrill {
  /** Half of them follow the log, half of them the tenders. */
  readonly subscribers: number;
  /** How often a gateway is killed. */
  readonly kills: number;
  /** Events written meanwhile, by another process. */
  readonly perSecond: number;
  /** With more than one, subscribers come back to another process than the one that was killed. */
  readonly gateways: number;
  readonly transport: Transport;
  readonly seed: string;
}

/** Tenders at the beginning. */
const TENDERS = 50;
/** From one gateway's being back to the next kill, in ms, by chance. */
const REST_MS = { least: 200, most: 3_000 } as const;

/**
 * Kills gateways at random moments while events are written: each subscriber, coming back with its last cursor, has been told
 * every event of the log, once and in order.
 */
export async function drillReconnect(
  scratch: Scratch,
  { subscribers, kills, perSecond, gateways: number, transport, seed }: ReconnectDrill,
  report: DrillReport,
): Promise<void> {
  const random = randomFor(seed, 'reconnect');
  const most = { WAYBILL_MAX_SOCKETS_PER_TENANT: String(2 * subscribers + 1) };
  const gateways = await startKillableGateways(scratch, number, most);
  const followers = Array.from({ length: subscribers }, (_, index) =>
    follow({
      of: index % 2 === 0 ? 'events' : 'tenders',
      transport,
      token: gateways.token,
      gateway: gateways.url,
      onTrouble: (what) => report.problem(`a subscriber was told ${what}.`),
    }),
  );
  scratch.onClose(() => Promise.all(followers.map((follower) => follower.stop())).then(() => undefined));
  await Promise.all(followers.map(({ began }) => began));

  const [kind] = STREAM_KINDS;
  if (kind === undefined) throw new Error('There is no kind.');
  const stores = [await scratch.openStore(), await scratch.openStore()] as const;
  const ids = await begin(stores[0], kind, seed);
  const writers = startWriters({ kind, stores, ids, perSecond, seed, report });
  scratch.onClose(() => writers.stop());
  await report.timed(
    async () => {
      for (let kill = 1; kill <= kills; kill++) {
        await pause(random.between(REST_MS.least, REST_MS.most));
        scratch.signal.throwIfAborted();
        await gateways.kill();
        await gateways.start();
      }
      await pause(REST_MS.most);
      await writers.stop();
    },
    (_, s) =>
      `killed a gateway ${kills} times, of ${number}, while ${count(writers.recorded)} events were recorded (${count(writers.recorded / s)} a second)`,
  );
  const told = await report.timed(
    () => checkTold(stores[0], followers, report),
    (sums) =>
      `each of ${subscribers} subscribers over ${transport} came to have been told ${count(sums.get('events') ?? 0)} events, or ${count(sums.get('tenders') ?? 0)} changes of tenders, once and in order`,
  );
  const returns = followers.reduce((sum, follower) => sum + follower.returns, 0);
  report.say(`they came back ${count(returns)} times`);
  if (returns < kills) report.problem('hardly anybody had to come back.');
  if ((told.get('events') ?? 0) < writers.recorded)
    report.problem('the log has fewer events than were recorded.');
  await checkVerified(stores[0], report);
}

/** The first tenders, for others to change. @returns their ids */
async function begin(store: Store, kind: StreamKind, seed: string): Promise<string[]> {
  const random = randomFor(seed, 'tenders');
  const ids = Array.from({ length: TENDERS }, () => newId());
  await Promise.all(
    ids.map((id, index) => {
      const command = kind.begin(random, baseOf(random), fleetOf(index));
      return handle(store, makeIntent(kind, id, command, { key: newId(), creates: true }));
    }),
  );
  return ids;
}
