import { generationCollection, pointersOf, replacePointer } from '../projection/generation/pointer.ts';
import type { ReadModels } from '../projection/read-models.ts';

/** How often a process looks for generations to drop, in ms. */
const SWEEP_MS = 600_000;

/**
 * Drops the generations whose time to be kept is over. Any process may do it at any time; two at once do no harm.
 * @param now the time that decides which are over
 * @returns the collections dropped
 */
export async function dropRetired(store: ReadModels, now = new Date(store.clock.now())): Promise<string[]> {
  const { db, log } = store;
  const dropped: string[] = [];
  for (const pointer of await pointersOf(db).find().toArray()) {
    const live = generationCollection(pointer._id, pointer.generation);
    const over = pointer.retired.filter(
      ({ collection, dropAfter }) => dropAfter <= now && collection !== live,
    );
    if (over.length === 0 || pointer.sealing !== undefined) continue;
    for (const { collection } of over) {
      await db.dropCollection(collection);
      log.info({ projection: pointer._id, collection }, 'dropped a read model that was replaced');
      dropped.push(collection);
    }
    const { ahead: _, ...rest } = pointer;
    const retired = pointer.retired.filter((generation) => !over.includes(generation));
    // Where somebody else was faster, the list stays as it is: dropping them once more does nothing.
    await replacePointer(db, pointer, { ...rest, retired });
  }
  return dropped;
}

/** Drops what is due, now and then. `stop()` resolves when nothing is being dropped any more. */
export function startDroppingRetired(store: ReadModels, everyMs = SWEEP_MS): { stop(): Promise<void> } {
  const sweep = (): Promise<unknown> =>
    dropRetired(store).catch((error: unknown) =>
      store.log.warn({ err: error }, 'replaced read models could not be dropped; trying again later'),
    );
  let sweeping = sweep();
  const timer = setInterval(() => {
    sweeping = sweep();
  }, everyMs).unref();
  return {
    async stop() {
      clearInterval(timer);
      await sweeping;
    },
  };
}
