import type { StreamRange } from '../log/ranges.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import { type LoadTarget, loadRange, type RangeLoad } from './load.ts';

/** Replays ranges, in this thread or in another one. */
export interface RangeWorker {
  load(range: StreamRange): Promise<RangeLoad>;
  close(): Promise<void>;
}

/** Opens the workers that replay. */
export type OpenWorkers = (
  store: ReadModels,
  projection: Projection,
  target: LoadTarget,
) => Promise<readonly RangeWorker[]>;

/** Ranges that a worker replays side by side: while one waits for the database, the other one is folded. */
const AT_ONCE = 2;

/** One worker: this thread. */
export const openInlineWorker: OpenWorkers = async (store, projection, target) => [
  { load: (range) => loadRange(store, projection, range, target), close: async () => undefined },
];

/**
 * Hands out ranges one by one until none is left. Ends early when `signal` says so, or with the first failure; ranges
 * that were begun are finished first.
 * @param onDone awaited after each range, before the next one is taken in its place
 */
export async function loadRanges(
  workers: readonly RangeWorker[],
  ranges: readonly { readonly index: number; readonly range: StreamRange }[],
  onDone: (index: number, load: RangeLoad) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const left = ranges.values();
  let failed = false;
  const work = async (worker: RangeWorker): Promise<void> => {
    for (const { index, range } of left) {
      if (signal.aborted || failed) return;
      try {
        await onDone(index, await worker.load(range));
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const working = workers.flatMap((worker) => Array.from({ length: AT_ONCE }, () => work(worker)));
  const ended = await Promise.allSettled(working);
  const failure = ended.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
