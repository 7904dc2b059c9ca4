import { NAMED_FAULTS, type RangeLoad } from './load.ts';
import { markDone, type RebuildProgress } from './progress.ts';
import { loadRanges, openInlineWorker } from './ranges.ts';
import { NewerRefused, RebuildRefused } from './refused.ts';
import { type RebuildRun, reportProgress } from './run.ts';

/** Replays the ranges that are left. @returns the progress with all of them done */
export async function replay(run: RebuildRun, found: RebuildProgress): Promise<RebuildProgress> {
  const { store, projection, options, signal } = run;
  const { building: collection, pinnedAt: notBefore } = found;
  const done = new Set(found.done);
  const left = found.ranges.map((range, index) => ({ range, index })).filter(({ index }) => !done.has(index));
  if (left.length === 0) return found;
  let progress = found;
  const began = performance.now();
  const onDone = async (index: number, load: RangeLoad): Promise<void> => {
    if (load.newer !== undefined) throw new NewerRefused(projection.name, load.newer);
    await markDone(store.db, progress, index, load);
    progress = withRange(progress, index, load);
    reportProgress(run, progress, 'replaying', {
      events: progress.events - found.events,
      ms: performance.now() - began,
    });
  };
  reportProgress(run, progress, 'replaying');
  const workers = await (options.openWorkers ?? openInlineWorker)(store, projection, {
    collection,
    notBefore,
  });
  try {
    await loadRanges(workers, left, onDone, signal);
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
  }
  if (progress.done.length < progress.ranges.length)
    throw new RebuildRefused(
      `The rebuild of ${projection.name} was stopped; the next one goes on from here.`,
    );
  return progress;
}

function withRange(progress: RebuildProgress, index: number, load: RangeLoad): RebuildProgress {
  return {
    ...progress,
    done: [...progress.done, index],
    events: progress.events + load.events,
    streams: progress.streams + load.streams,
    faulty: progress.faulty + load.faulty,
    faults: [...progress.faults, ...load.faults].slice(0, NAMED_FAULTS),
  };
}
