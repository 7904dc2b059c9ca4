import { backoff } from '../backoff.ts';
import { isPassing } from '../faults.ts';
import { newId } from '../ids.ts';
import { createRowIndexes } from '../indexes.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import { type CatchUp, openCatchUp } from './catch-up.ts';
import { REBUILD_LEASE_MS, takeLease } from './lease.ts';
import type { FaultyStream } from './load.ts';
import { endRebuild, RebuildLost, type RebuildProgress } from './progress.ts';
import { replay } from './replay.ts';
import { type RebuildOptions, RebuildRefused, type Run, tell } from './run.ts';
import { exists, findProgress } from './start.ts';
import { ShorterRefused, type SwitchReport, switchGeneration } from './switch.ts';

/** How often the server is asked for the indexes, each time for as long as an answer is waited for. */
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
  const lost = new AbortController();
  const renewing = setInterval(() => {
    lease.renew().then(
      (held) => held || lost.abort(),
      (error) => store.log.warn({ err: error, projection: name }, 'lease could not be renewed; trying again'),
    );
  }, leaseMs / 3);
  const signals = [lost.signal, ...(options.signal === undefined ? [] : [options.signal])];
  try {
    return await rebuild({ store, projection, options, lease, by, signal: AbortSignal.any(signals) });
  } catch (error) {
    if (lost.signal.aborted) throw new RebuildLost(name);
    throw error;
  } finally {
    clearInterval(renewing);
    await lease.release().catch(() => undefined);
  }
}

async function rebuild(run: Run): Promise<RebuildReport> {
  const { store, projection, options, by } = run;
  const { db, live } = store;
  await live.refresh();
  if (options.onlyOlder === true && live.pointer(projection).version >= projection.version)
    throw new RebuildRefused(`${projection.name} was rebuilt by another process.`);
  const began = performance.now();
  const { progress: found, resumed } = await findProgress(run);
  const progress = await replay(run, found);
  const { generation, building, pinnedAt } = progress;
  const catchUp = openCatchUp(store, projection, pinnedAt);
  try {
    if (await exists(store, building)) await finish(run, progress, catchUp);
    tell(run, progress, 'switching');
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
    // What makes too few rows is looked into, and often mended in place: to go on from these rows would be no remedy.
    if (error instanceof ShorterRefused) await endRebuild(db, progress);
    throw error;
  } finally {
    catchUp.stop();
  }
}

/** What is done before anybody has to know: the switch then has little left to do. */
async function finish(run: Run, progress: RebuildProgress, catchUp: CatchUp): Promise<void> {
  const { store, projection } = run;
  tell(run, progress, 'indexing');
  // After the load, which is several times as fast as keeping them up meanwhile. Of a large read model it may take
  // longer than an answer is waited for: asked again, the server goes on with the one that it is at.
  await patiently(() => createRowIndexes(store.db, projection, progress.building));
  tell(run, progress, 'catching up');
  await catchUp.run(progress.building);
}

async function patiently(work: () => Promise<void>): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || failures >= INDEX_TRIES) throw error;
      await backoff(failures, () => undefined);
    }
  }
}
