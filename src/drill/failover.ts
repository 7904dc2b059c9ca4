import { setTimeout as pause } from 'node:timers/promises';
import { checkTold } from './check/received.ts';
import { checkRecorded, checkVerified } from './check/rows.ts';
import { startCommandClients } from './client/command-clients.ts';
import { follow, type ResumingSubscriber } from './client/resuming-subscriber.ts';
import type { Scratch } from './drill.ts';
import { startGateway } from './process/gateway.ts';
import type { ReplicaSet } from './process/replica-set.ts';
import { count, type DrillReport } from './report.ts';

export interface FailoverDrill {
  /** How often the primary is killed. */
  readonly kills: number;
  /** Half of them follow the log, half of them the tenders. */
  readonly subscribers: number;
  readonly perSecond: number;
  /** Whether times are judged; on a machine that does much else they say little. */
  readonly figures: boolean;
}

/** What is promised: with this election timeout nobody hears nothing for longer. */
export const ELECTION_TIMEOUT_MS = 2_000;
const MOST_SILENCE_MS = 5_000;
/** Commands that wait for their answer at once. */
const CLIENTS = 16;
/** How long the feed may be silent before the drill goes on, and fails. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 50;
/** From one set in good health to the next kill, in ms, by chance. */
const REST_MS = { least: 500, most: 2_000 } as const;

/**
 * Kills the primary again and again under clients and subscribers of a gateway: what was acknowledged is in the log, once, and
 * told to everybody, once.
 */
export async function drillFailover(
  scratch: Scratch,
  servers: ReplicaSet,
  { kills, subscribers, perSecond, figures }: FailoverDrill,
  report: DrillReport,
): Promise<void> {
  const { url, token } = await startGateway(scratch);
  const followers = Array.from({ length: subscribers }, (_, index) =>
    follow({
      of: index % 2 === 0 ? 'events' : 'tenders',
      transport: 'ws',
      token,
      gateway: () => url,
      onTrouble: (what) => report.problem(`a subscriber was told ${what}.`),
    }),
  );
  scratch.onClose(() => Promise.all(followers.map((follower) => follower.stop())).then(() => undefined));
  await Promise.all(followers.map(({ began }) => began));
  const clients = startCommandClients({ url, token, clients: CLIENTS, perSecond, report });
  scratch.onClose(() => clients.stop());

  const silences: number[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    await pause(REST_MS.least + Math.random() * (REST_MS.most - REST_MS.least));
    scratch.signal.throwIfAborted();
    takeLongest(followers);
    const port = await servers.killPrimary();
    await servers.revive();
    await untilHeard(followers, scratch.signal);
    const silenceMs = takeLongest(followers);
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
  const told = await checkTold(store, followers, report);
  const returns = followers.reduce((sum, follower) => sum + follower.returns, 0);
  report.say(
    `each of ${subscribers} subscribers was told ${count(told.get('events') ?? 0)} events, or ${count(told.get('tenders') ?? 0)} changes of tenders, once and in order; lines that broke: ${returns}`,
  );
  await checkVerified(store, report);
}

/** Waits until everybody has been told something since the last kill: only then is its silence over. */
async function untilHeard(followers: readonly ResumingSubscriber[], signal: AbortSignal): Promise<void> {
  const before = followers.map(({ told }) => told.length);
  const deaf = (): boolean => followers.some(({ told }, index) => told.length === before[index]);
  for (let waitedMs = 0; deaf() && waitedMs < PATIENCE_MS; waitedMs += LOOK_MS) {
    signal.throwIfAborted();
    await pause(LOOK_MS);
  }
}

function takeLongest(followers: readonly ResumingSubscriber[]): number {
  return Math.max(0, ...followers.map((follower) => follower.takeSilenceMs()));
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
