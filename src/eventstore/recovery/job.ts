/**
 * Recovery: after a restore, or after somebody has dropped or emptied a collection, rows are what the log says again.
 *
 * `timeline.ts` says whether the log is still the one that was here; each pointer has the proof that the live rows are of
 * that log.
 * 1. proof.ts: which read models are in doubt.
 * 2. recover.ts puts them right, with foreign-rows.ts: which rows are of another log. Of an async read model its projector
 *    asks for that, before it folds anything onto the rows.
 * 3. job.ts looks for doubts all the time, and makes missing indexes again; watch.ts ends a process whose log was replaced
 *    underneath it.
 */
import { repeat } from '../backoff.ts';
import { newId } from '../ids.ts';
import { createIndexes, createRowIndexes, EVENT_INDEXES } from '../indexes.ts';
import { acquireLease, whileHeld } from '../lease.ts';
import { checkpointsOf } from '../projection/checkpoint.ts';
import { shutOutProjector } from '../projection/projector-fence.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import { SNAPSHOT_INDEXES, snapshotsOf } from '../time/snapshots.ts';
import { timelinesOf } from '../timeline.ts';
import { transact } from '../transact.ts';
import { type Doubt, doubtsOf } from './proof.ts';
import { recoverInline } from './recover.ts';

export interface RecoveryOptions {
  /** How often it looks for doubts, in ms. */
  readonly lookMs?: number;
  /** How often it asks for the indexes, in ms. */
  readonly indexMs?: number;
  /** How often it counts the rows of read models that have grown, in ms. */
  readonly countMs?: number;
}

const LOOK_MS = 2_000;
const INDEX_MS = 30_000;
const COUNT_MS = 60_000;
/** A log of more events is not counted: what is being written is nothing beside that. Counting these takes 30 ms. */
const COUNTED_EVENTS = 100_000;
/** How long a process that died keeps others waiting, in ms. */
const LEASE_MS = 6_000;

/**
 * Compares read models with the log that are in doubt, and puts them right, one process of all at a time. Ends with `stop`
 * alone: whatever fails is logged and tried again.
 */
export function startRecovering(store: ReadModels, options: RecoveryOptions = {}): { stop(): Promise<void> } {
  const { db, log } = store;
  const { lookMs = LOOK_MS, indexMs = INDEX_MS, countMs = COUNT_MS } = options;
  const holder = `${store.producerId}/${newId()}`;
  const stopping = new AbortController();
  const following = new Map<string, number>();
  /** Read models that hold what this version does not know: one that does puts them right. */
  const leftToNewer = new Set<string>();
  let indexedAt = performance.now();
  let countedAt = Number.NEGATIVE_INFINITY;

  const recover = async ({ projection, cause }: Doubt): Promise<void> => {
    const { name, version } = projection;
    // A rebuild is due, which folds all of it from this log.
    if (store.live.pointer(projection).version !== version || leftToNewer.has(name)) return;
    if (projection.mode === 'async') return wakeProjector(store, projection, following);
    const lease = await acquireLease(db, `recover:${name}`, holder, LEASE_MS);
    if (lease === null) return;
    const work = async (lost: AbortSignal): Promise<void> => {
      // Asked again: another process may just have ended.
      if ((await doubtsOf(store, [projection])).length === 0) return;
      log.warn({ projection: name, cause }, 'a read model may not be what the log says: comparing it');
      if (await recoverInline(store, projection, AbortSignal.any([lost, stopping.signal]))) return;
      leftToNewer.add(name);
      log.warn(
        { projection: name },
        'the read model is left to a newer version, which knows what is in the log',
      );
    };
    try {
      await whileHeld(lease, work, (err) => log.warn({ err }, 'lease could not be renewed; trying again'));
    } finally {
      await lease.release();
    }
  };

  const look = async (): Promise<void> => {
    const doubts = await doubtsOf(store);
    for (const doubt of doubts) if (!stopping.signal.aborted) await recover(doubt);
    if (performance.now() - countedAt >= countMs) {
      countedAt = performance.now();
      const inDoubt = new Set(doubts.map(({ projection }) => projection));
      await noteCounts(
        store,
        store.projections.filter((projection) => !inDoubt.has(projection)),
      );
    }
    if (performance.now() - indexedAt < indexMs) return;
    indexedAt = performance.now();
    await makeIndexes(store);
  };

  const running = repeat(look, lookMs, stopping.signal, (error) =>
    log.warn({ err: error }, 'read models could not be compared with the log; trying again'),
  );
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/**
 * Makes the projector of a read model begin anew, which compares the rows first. Not while it does so already: it follows
 * the log, and still does with the same fence at the next look.
 */
async function wakeProjector(
  { client, db, log }: ReadModels,
  { name }: Projection,
  following: Map<string, number>,
): Promise<void> {
  const checkpoint = await checkpointsOf(db).findOne({ _id: name });
  const fence = checkpoint?.phase === 'following' ? checkpoint.fence : undefined;
  const isStill = fence !== undefined && following.get(name) === fence;
  if (fence === undefined) following.delete(name);
  else following.set(name, fence);
  if (!isStill) return;
  log.warn({ projection: name }, 'a read model may not be what the log says: its projector compares it');
  await transact(client, (session) => shutOutProjector(db, name, session));
}

/**
 * Notes how many rows there are, where there are more than was noted: that there are fewer one day is then noticed. They are
 * counted, since the server's estimate knows rows of transactions that may still fail, and a count costs.
 */
async function noteCounts(
  { db, events, live, timeline }: ReadModels,
  projections: readonly Projection[],
): Promise<void> {
  const timelines = timelinesOf(db);
  const noted = await timelines.findOne({ id: timeline.id }, { projection: { rows: 1 } });
  const counts: Record<string, number> = { logged: await loggedIn(events) };
  for (const projection of projections) {
    const name = live.collectionOf(projection);
    const rows = db.collection(name);
    if ((await rows.estimatedDocumentCount()) <= (noted?.rows[name] ?? 0)) continue;
    counts[`rows.${name}`] = await rows.countDocuments({}, { hint: { _id: 1 } });
  }
  await timelines.updateOne({ id: timeline.id }, { $max: counts });
}

/** As for rows: where a transaction fails, a log must not seem to have lost its events. */
async function loggedIn(events: ReadModels['events']): Promise<number> {
  const estimate = await events.estimatedDocumentCount();
  return estimate > COUNTED_EVENTS ? estimate : events.countDocuments({}, { hint: { _id: 1 } });
}

async function makeIndexes({ db, events, live, log, projections }: ReadModels): Promise<void> {
  await createIndexes(events, EVENT_INDEXES, log);
  await createIndexes(snapshotsOf(db), SNAPSHOT_INDEXES, log);
  for (const projection of projections)
    if (live.newerRows(projection) === undefined)
      await createRowIndexes(db, projection, live.collectionOf(projection), log);
}
