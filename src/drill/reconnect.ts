import { setTimeout as pause } from 'node:timers/promises';
import { checkReceived } from './check/received.ts';
import { checkVerified } from './check/rows.ts';
import type { SubscriptionTransport } from './client/connection.ts';
import { openResumingSubscribers, returnsOf } from './client/resuming-subscribers.ts';
import { startWriters } from './client/writers.ts';
import { beginStreams } from './data/begin-streams.ts';
import { randomFor } from './data/commands.ts';
import { STREAM_KINDS } from './data/stream-kinds.ts';
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
  readonly transport: SubscriptionTransport;
  readonly seed: string;
}

/** Tenders at the beginning. */
const TENDERS = 50;
/** From one gateway's being back to the next kill, in ms, by chance. */
const REST_MS = { least: 200, most: 3_000 } as const;

/**
 * Kills gateways at random moments while events are written: each subscriber comes back with its last cursor, and receives
 * every event of the log once and in order.
 */
export async function drillReconnect(
  scratch: Scratch,
  { subscribers: number, kills, perSecond, gateways: processes, transport, seed }: ReconnectDrill,
  report: DrillReport,
): Promise<void> {
  const random = randomFor(seed, 'reconnect');
  const room = String(2 * number + 1);
  const most = { WAYBILL_MAX_SOCKETS_PER_TENANT: room, WAYBILL_MAX_SOCKETS_PER_CALLER: room };
  const gateways = await startKillableGateways(scratch, processes, most);
  const subscribers = await openResumingSubscribers(scratch, {
    ...{ transport, token: gateways.token, gateway: gateways.url },
    ...{ number, report },
  });

  const [kind] = STREAM_KINDS;
  if (kind === undefined) throw new Error('There is no kind.');
  const stores = [await scratch.openStore(), await scratch.openStore()] as const;
  const begun = await beginStreams(stores[0], [kind], TENDERS, randomFor(seed, 'tenders'));
  const ids = begun.map(({ id }) => id);
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
      `killed a gateway ${kills} times, of ${processes}, while ${count(writers.done.recorded)} events were recorded (${count(writers.done.recorded / s)} a second)`,
  );
  const received = await report.timed(
    () => checkReceived(stores[0], subscribers, report),
    (sums) =>
      `each of ${number} subscribers over ${transport} came to have been told ${count(sums.get('events') ?? 0)} events, or ${count(sums.get('tenders') ?? 0)} changes of tenders, once and in order`,
  );
  const returns = returnsOf(subscribers);
  report.say(`they came back ${count(returns)} times`);
  if (returns < kills) report.problem('hardly anybody had to come back.');
  if ((received.get('events') ?? 0) < writers.done.recorded)
    report.problem('the log has fewer events than were recorded.');
  await checkVerified(stores[0], report);
}
