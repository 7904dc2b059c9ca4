import type { StreamRange } from '../log/ranges.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import type { LoadTarget, RangeLoad } from './load.ts';
import { loadRange } from './load.ts';

/** Someone who replays ranges: this thread, or another one. */
export interface RangeWorker {
  load(range: StreamRange): Promise<RangeLoad>;
  close(): Promise<void>;
}

/** Opens those who do the work. */
export type OpenWorkers = (
  store: ReadModels,
  projection: Projection,
  target: LoadTarget,
) => Promise<readonly RangeWorker[]>;

/** Ranges that a worker has in hand: while one waits for the database, the other one is folded. */
const AT_ONCE = 2;

/** This thread does it all. */
export const openInline: OpenWorkers = async (store, projection, target) => [
  { load: (range) => loadRange(store, projection, range, target), close: async () => undefined },
];

/**
 * Hands out ranges one by one until none is left. Ends early when `signal` says so, or with the first failure; what is
 * in hand is finished before.
 * @param onDone awaited after each range, before the same hands take the next
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
  const hands = workers.flatMap((worker) => Array.from({ length: AT_ONCE }, () => work(worker)));
  const ended = await Promise.allSettled(hands);
  const failure = ended.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
