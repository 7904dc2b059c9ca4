import type { Db } from 'mongodb';
import { pause } from '../backoff.ts';
import { type Checkpoint, checkpointsOf } from './checkpoint.ts';

export interface AwaitedCheckpoint {
  /** False: the projector saved nothing for too long, and is taken not to be at work. */
  readonly reached: boolean;
  /** As it was last seen; null: there is none yet. */
  readonly checkpoint: Checkpoint | null;
}

/**
 * Waits until the projector of read model `name` has come as far as `isReached` asks. It saves its checkpoint together
 * with the rows, and also while nothing happens.
 * @param patienceMs how long it may save nothing
 * @param lookMs between two looks at its checkpoint
 */
export async function awaitCheckpoint(
  db: Db,
  name: string,
  isReached: (checkpoint: Checkpoint) => boolean,
  { patienceMs, lookMs }: { readonly patienceMs: number; readonly lookMs: number },
): Promise<AwaitedCheckpoint> {
  let [savedAtMs, since] = [0, performance.now()];
  for (;;) {
    const checkpoint = await checkpointsOf(db).findOne({ _id: name });
    if (checkpoint !== null && isReached(checkpoint)) return { reached: true, checkpoint };
    const saved = checkpoint?.updatedAt.getTime() ?? 0;
    if (saved !== savedAtMs) [savedAtMs, since] = [saved, performance.now()];
    if (performance.now() - since > patienceMs) return { reached: false, checkpoint };
    await pause(lookMs);
  }
}
