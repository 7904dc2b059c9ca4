import type { Timestamp } from 'mongodb';
import { pause } from '../backoff.ts';
import { timeIn } from '../changes.ts';
import { checkpointsOf } from '../projection/checkpoint.ts';
import type { Projection } from '../projection.ts';
import type { Store } from '../store.ts';

/** A projector that saves nothing for so long is taken not to be at work, in ms. */
export const LEVEL_PATIENCE_MS = 15_000;
/** Between two looks at its place, in ms. */
const LOOK_MS = 50;

/**
 * Waits until the projector of an async read model has written everything that was committed by `time`. It saves its
 * place together with the rows, and also while nothing happens.
 * @returns false where it makes no progress
 */
export async function awaitLevel(
  store: Store,
  { name }: Projection,
  time: Timestamp,
  patienceMs = LEVEL_PATIENCE_MS,
): Promise<boolean> {
  let [savedAt, since] = [0, performance.now()];
  for (;;) {
    const checkpoint = await checkpointsOf(store.db).findOne({ _id: name });
    // Strictly: events of one transaction share their moment, and may come in two batches.
    if (checkpoint?.phase === 'following' && timeIn(checkpoint.token)?.greaterThan(time) === true)
      return true;
    const saved = checkpoint?.updatedAt.getTime() ?? 0;
    if (saved !== savedAt) [savedAt, since] = [saved, performance.now()];
    if (performance.now() - since > patienceMs) return false;
    await pause(LOOK_MS, () => undefined);
  }
}
