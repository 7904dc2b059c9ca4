import { setTimeout as pause } from 'node:timers/promises';
import type { Db } from 'mongodb';
import type { SeededRandom } from '../client/seeded-random.ts';
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
import { copyCollection } from './data/copy-database.ts';
import { STREAM_KINDS } from './data/stream-kinds.ts';
import type { Scratch, ScratchServer } from './drill.ts';
import { type GatewayProcess, newSecret, startGateway } from './process/gateway.ts';
import { count, type DrillReport } from './report.ts';
import { until } from './until.ts';

export interface RestoreDrill {
  /** Streams of each kind at the beginning; more are begun, and all of them changed, while they are copied. */
  readonly streams: number;
  readonly seed: string;
}

const SUBSCRIBED: readonly Subscribed[] = ['events', 'tenders', 'vehicles'];
/** Between two looks whether the gateway is ready, in ms. */
const LOOK_MS = 100;
const LIMIT_MS = 600_000;

/**
 * Copies a database collection by collection while it is written to, so that no two are of one moment, into another replica
 * set, and starts a gateway there: it says that it is not ready, until it shows what the copied log says and nothing else.
 * Clients of the old one are sent a gap.
 */
export async function drillRestore(
  scratch: Scratch,
  openOther: () => Promise<ScratchServer>,
  { streams: number, seed }: RestoreDrill,
  report: DrillReport,
): Promise<void> {
  const random = randomFor(seed, 'restore');
  const secret = newSecret();
  const old = await startGateway(scratch, {}, secret);
  const store = await scratch.openStore();
  const streams = await beginStreams(store, STREAM_KINDS, number, random);
  let url: string | undefined = old.url;
  const watchers = TRANSPORTS.flatMap((transport) =>
    SUBSCRIBED.map((of) => watchGaps(of, transport, () => url, old.token, report)),
  );
  scratch.onClose(() => stopAll(watchers));
  await Promise.all(watchers.map(({ began }) => began));

  const other = await openOther();
  scratch.onClose(() => other.close());
  await copyUnderWrites(store, other.client.db(scratch.name), streams, random, report);
  await checkScreens(store, watchers, 'before', report);
  const returns = watchers.map((watcher) => watcher.leave());
  await old.kill();

  const there: Scratch = {
    ...scratch,
    uri: other.uri,
    variables: { ...scratch.variables, MONGODB_URI: other.uri },
  };
  const gateway = await startGateway(there, {}, secret);
  await report.timed(
    () => awaitReady(gateway, scratch.signal, report),
    (reasons) => `the gateway on the copy was ready, after it had said ${reasons} reasons why not yet;`,
  );
  const restored = await scratch.openStore(other.uri);
  url = gateway.url;
  for (const comeBack of returns) comeBack();
  for (const { of, transport, gaps } of watchers) {
    await until(() => gaps.length > 0);
    if (gaps.join() !== 'HISTORY_LOST')
      report.problem(`a subscriber of ${of} over ${transport} was told of ${gaps.join() || 'no gap'}.`);
  }
  await checkScreens(restored, watchers, 'after the restore', report);
  const changed = await changeAll(restored, await streamsIn(restored, streams), random);
  await checkScreens(restored, watchers, 'after new facts', report);
  report.say(
    `${watchers.length} subscribers were told of a gap, and show what the copied log says, and ${count(changed)} new events`,
  );
  await checkVerified(restored, report);
}

/** Copies each collection while everything is changed, in an order by chance. */
async function copyUnderWrites(
  store: Store,
  to: Db,
  streams: BegunStream[],
  random: SeededRandom,
  report: DrillReport,
): Promise<void> {
  const collections = await store.db.listCollections({}, { nameOnly: true }).toArray();
  const names = shuffled(
    collections.map(({ name }) => name),
    random,
  );
  let documents = 0;
  const copyAll = async (): Promise<void> => {
    for (const name of names) {
      const copying = copyCollection(store.db, to, name);
      await changeAll(store, streams, random);
      streams.push(...(await beginStreams(store, STREAM_KINDS, 1, random)));
      documents += (await copying).documents;
    }
  };
  await report.timed(
    copyAll,
    () =>
      `copied ${count(documents)} documents in ${names.length} collections, while every stream was changed ${names.length} times,`,
  );
  report.say(`the log was copied as number ${names.indexOf('events') + 1}`);
}

function shuffled(names: readonly string[], random: SeededRandom): string[] {
  const left = [...names].sort();
  const order: string[] = [];
  while (left.length > 0) order.push(...left.splice(random.whole(0, left.length - 1), 1));
  return order;
}

/** One event more on each. @returns how many that made */
async function changeAll(
  store: Store,
  streams: readonly BegunStream[],
  random: SeededRandom,
): Promise<number> {
  const changes = streams.map(async ({ kind, id }) => {
    const outcome = await handle(
      store,
      makeIntent(kind, id, kind.next(random, baseOf(random)), { key: newId() }),
    );
    return outcome.events.length;
  });
  return (await Promise.all(changes)).reduce((sum, events) => sum + events, 0);
}

/** Those that the copied log has. */
async function streamsIn({ events }: Store, streams: readonly BegunStream[]): Promise<BegunStream[]> {
  const found = await events.distinct('aggregateId');
  const ids = new Set(found.map(String));
  return streams.filter(({ id }) => ids.has(id));
}

/** @returns how many reasons it gave why it was not ready */
async function awaitReady(
  gateway: GatewayProcess,
  signal: AbortSignal,
  report: DrillReport,
): Promise<number> {
  const reasons = new Set<string>();
  const isReady = async (): Promise<boolean> => {
    const response = await fetch(new URL('/health/ready', gateway.url), { signal });
    const said = (await response.json()) as { readonly reasons: readonly string[] };
    for (const reason of said.reasons) reasons.add(reason);
    if (response.status !== 200) await pause(LOOK_MS);
    return response.status === 200;
  };
  if (!(await until(isReady, { limitMs: LIMIT_MS, signal })))
    report.problem(`the gateway on the copy did not become ready: ${[...reasons].join(' ')}`);
  return reasons.size;
}
