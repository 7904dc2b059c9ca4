import { setTimeout as pause } from 'node:timers/promises';
import { checkRecorded } from './check/log.ts';
import { checkReceived } from './check/received.ts';
import { checkVerified } from './check/rows.ts';
import { startCommandClients } from './client/command-clients.ts';
import type { ResumingSubscriber } from './client/resuming-subscriber.ts';
import { openResumingSubscribers, returnsOf } from './client/resuming-subscribers.ts';
import type { Scratch } from './drill.ts';
import { startGateway } from './process/gateway.ts';
import type { ReplicaSet } from './process/replica-set.ts';
import { count, type DrillReport } from './report.ts';
import { until } from './until.ts';

export interface FailoverDrill {
  /** How often the primary is killed. */
  readonly kills: number;
  /** Half of them follow the log, half of them the tenders. */
  readonly subscribers: number;
  readonly perSecond: number;
  /** Whether times are judged; on a machine that does much else they say little. */
  readonly figures: boolean;
}

export const ELECTION_TIMEOUT_MS = 2_000;
/** What is promised: with that election timeout, no subscriber is without events for longer. */
const MOST_SILENCE_MS = 5_000;
/** Commands that wait for their answer at once. */
const CLIENTS = 16;
/** From all members' being in good health to the next kill, in ms, by chance. */
const REST_MS = { least: 500, most: 2_000 } as const;

/**
 * Kills the primary again and again under clients and subscribers of a gateway: what was acknowledged is in the log once, and
 * every subscriber receives it once.
 */
export async function drillFailover(
  scratch: Scratch,
  servers: ReplicaSet,
  { kills, subscribers: number, perSecond, figures }: FailoverDrill,
  report: DrillReport,
): Promise<void> {
  const { url, token } = await startGateway(scratch);
  const subscribers = await openResumingSubscribers(scratch, {
    ...{ transport: 'ws', token, gateway: () => url },
    ...{ number, report },
  });
  const clients = startCommandClients({ url, token, clients: CLIENTS, perSecond, report });
  scratch.onClose(() => clients.stop());

  const silences: number[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    await pause(REST_MS.least + Math.random() * (REST_MS.most - REST_MS.least));
    scratch.signal.throwIfAborted();
    takeLongestSilence(subscribers);
    const port = await servers.killPrimary();
    await servers.revive();
    await awaitEvents(subscribers, scratch.signal);
    const silenceMs = takeLongestSilence(subscribers);
    silences.push(silenceMs);
    report.say(
      `killed the primary, port ${port} (${kill} of ${kills}): ${seconds(silenceMs)} without an event`,
    );
    if (figures && silenceMs > MOST_SILENCE_MS)
      report.problem(
        `the feed was silent for ${seconds(silenceMs)}; ${MOST_SILENCE_MS / 1_000} s are allowed.`,
      );
  }
  await pause(REST_MS.most);
  await clients.stop();

  const store = await scratch.openStore();
  report.say(
    `${count(clients.acknowledged.size)} events were acknowledged, the slowest after ${seconds(clients.longestMs)}; the feed was silent for at most ${seconds(Math.max(0, ...silences))}`,
  );
  const ids = new Set([...clients.acknowledged].map((id) => id.replace(/^event_/, '')));
  await checkRecorded(store, ids, report);
  const received = await checkReceived(store, subscribers, report);
  const returns = returnsOf(subscribers);
  report.say(
    `each of ${number} subscribers was told ${count(received.get('events') ?? 0)} events, or ${count(received.get('tenders') ?? 0)} changes of tenders, once and in order; lines that broke: ${returns}`,
  );
  await checkVerified(store, report);
}

/** Waits until every subscriber has received an event since the last kill: only then is its silence over. */
async function awaitEvents(subscribers: readonly ResumingSubscriber[], signal: AbortSignal): Promise<void> {
  const before = subscribers.map(({ received }) => received.length);
  await until(() => subscribers.every(({ received }, index) => received.length !== before[index]), {
    signal,
  });
}

function takeLongestSilence(subscribers: readonly ResumingSubscriber[]): number {
  return Math.max(0, ...subscribers.map((subscriber) => subscriber.takeSilenceMs()));
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
