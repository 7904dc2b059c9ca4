/**
 * Rebuild: a read model is folded anew from the whole log, beside the live one, and takes its place.
 *
 * In comes a read model and its options (run.ts); out come progress (RebuildState) and a report. In this order:
 * 1. lease.ts takes the lease under which one process rebuilds.
 * 2. start.ts begins a new generation in a collection of its own, or goes on where an earlier run was (progress.ts).
 * 3. replay.ts hands out ranges of streams; workers (ranges.ts; threads of their own, if opened) fold and insert them
 *    (load.ts).
 * 4. catch-up.ts brings the rows (building-rows.ts) up to what was recorded meanwhile.
 * 5. switch.ts announces the switch, seals the live generation, catches up once more and changes the pointer
 *    (pointer.ts), which also names the rows that subscribers have not been told of (ahead.ts).
 * retired.ts drops the old generation later. stale.ts starts rebuilds of what older code has folded; row.ts rebuilds one
 * row in place. Refusals are in refused.ts.
 */
import { retry } from '../backoff.ts';
import { isPassing } from '../faults.ts';
import { newId } from '../ids.ts';
import { createRowIndexes } from '../indexes.ts';
import { whileHeld } from '../lease.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import { type CatchUp, openCatchUp } from './catch-up.ts';
import { REBUILD_LEASE_MS, takeLease } from './lease.ts';
import type { FaultyStream } from './load.ts';
import { endRebuild, type RebuildProgress } from './progress.ts';
import { RebuildLost, RebuildRefused, ShorterRefused } from './refused.ts';
import { replay } from './replay.ts';
import { type RebuildOptions, type RebuildRun, reportProgress } from './run.ts';
import { exists, startOrResume } from './start.ts';
import { type SwitchReport, switchGeneration } from './switch.ts';

/** How often the server is asked for the indexes; each time an answer is waited for. */
const INDEX_TRIES = 100;

/** What a rebuild came to. */
export interface RebuildReport extends SwitchReport {
  /** Replayed, over all runs; what was caught up with later is not counted. */
  readonly events: number;
  readonly streams: number;
  /** Streams that could not be folded as they should, and the first of them. */
  readonly faulty: number;
  readonly faults: readonly FaultyStream[];
  /** It went on from an earlier run that was killed or stopped. */
  readonly resumed: boolean;
  /** Of this run. */
  readonly elapsedMs: number;
}

/**
 * Folds a read model anew from the whole log, beside the live one, and puts it in its place. The gateways go on
 * reading and writing. One that was killed goes on where it was.
 * @throws RebuildRefused while another process rebuilds it, or when it was stopped; SwitchRefused; RebuildLost; what
 *   MongoDB throws. All of them leave the live rows as they are, and what was replayed for the next try.
 */
export async function rebuildProjection(
  store: ReadModels,
  projection: Projection,
  options: RebuildOptions = {},
): Promise<RebuildReport> {
  const { name } = projection;
  const by = `${store.producerId}/${newId()}`;
  const { leaseMs = REBUILD_LEASE_MS } = options;
  const lease = await takeLease(store.db, projection, by, leaseMs, options.signal);
  const work = async (lost: AbortSignal): Promise<RebuildReport> => {
    const signals = [lost, ...(options.signal === undefined ? [] : [options.signal])];
    try {
      return await rebuild({ store, projection, options, lease, by, signal: AbortSignal.any(signals) });
    } catch (error) {
      throw lost.aborted ? new RebuildLost(name) : error;
    }
  };
  try {
    return await whileHeld(lease, work, (err) =>
      store.log.warn({ err, projection: name }, 'lease could not be renewed; trying again'),
    );
  } finally {
    await lease.release().catch(() => undefined);
  }
}

async function rebuild(run: RebuildRun): Promise<RebuildReport> {
  const { store, projection, options, by } = run;
  const { db, live } = store;
  await live.refresh();
  const newer = live.newerRows(projection);
  if (newer !== undefined) throw new RebuildRefused(newer.message);
  if (options.onlyOlder === true && live.pointer(projection).version >= projection.version)
    throw new RebuildRefused(`${projection.name} was rebuilt by another process.`);
  const began = performance.now();
  const { progress: found, resumed } = await startOrResume(run);
  const progress = await replay(run, found);
  const { generation, building, pinnedAt } = progress;
  const catchUp = openCatchUp(store, projection, pinnedAt);
  try {
    if (await exists(store, building)) await finish(run, progress, catchUp);
    reportProgress(run, progress, 'switching');
    const { allowShorter = false, retainMs } = options;
    const switched = await switchGeneration(store, projection, {
      building,
      generation,
      by,
      allowShorter,
      catchUp: (_, collection) => catchUp.run(collection),
      ...(retainMs === undefined ? {} : { retainMs }),
    });
    await endRebuild(db, progress);
    const { events, streams, faulty, faults } = progress;
    const elapsedMs = Math.round(performance.now() - began);
    return { ...switched, events, streams, faulty, faults, resumed, elapsedMs };
  } catch (error) {
    // Whatever made too few rows is looked into, and often put right: the next rebuild must not go on from these rows.
    if (error instanceof ShorterRefused) await endRebuild(db, progress);
    throw error;
  } finally {
    catchUp.stop();
  }
}

/** Indexes and catches up before the switch is announced, so that little is left to do while it is on. */
async function finish(run: RebuildRun, progress: RebuildProgress, catchUp: CatchUp): Promise<void> {
  const { store, projection } = run;
  reportProgress(run, progress, 'indexing');
  // After the load, which is several times as fast as keeping indexes up meanwhile. For a large read model it may take
  // longer than an answer is waited for: asked again, the server goes on with the index that it is building.
  await retry(() => createRowIndexes(store.db, projection, progress.building), {
    when: isPassing,
    tries: INDEX_TRIES,
  });
  reportProgress(run, progress, 'catching up');
  await catchUp.run(progress.building);
}
