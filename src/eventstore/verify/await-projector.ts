import type { Timestamp } from 'mongodb';
import { timeIn } from '../change.ts';
import { awaitCheckpoint } from '../projection/await-checkpoint.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';

/** A projector that saves nothing for so long is taken not to be at work, in ms. */
export const PROJECTOR_PATIENCE_MS = 15_000;
/** Between two looks at its checkpoint, in ms. */
const LOOK_MS = 50;

/**
 * Waits until the projector of an async read model has written everything that was committed by `time`.
 * @returns false where it makes no progress
 */
export async function awaitProjector(
  store: ReadModels,
  { name }: Projection,
  time: Timestamp,
  patienceMs = PROJECTOR_PATIENCE_MS,
): Promise<boolean> {
  const { reached } = await awaitCheckpoint(
    store.db,
    name,
    // Strictly later: events of one transaction share their moment, and may come in two batches.
    ({ phase, token }) => phase === 'following' && timeIn(token)?.greaterThan(time) === true,
    { patienceMs, lookMs: LOOK_MS },
  );
  return reached;
}
