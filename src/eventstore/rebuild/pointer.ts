import { pause } from '../backoff.ts';
import { collectionIds } from '../database-identity.ts';
import { WRITE_TRUST_MS } from '../projection/generation/live.ts';
import { generationCollection, type Pointer, replacePointer } from '../projection/generation/pointer.ts';
import { isAbandoned, LIFT_MS, liftSeal } from '../projection/generation/seal.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import { SwitchRefused } from './refused.ts';

/** How long a generation that was live is kept, in ms. */
export const RETAIN_MS = 3_600_000;
/** The shortest, in ms: by then no process believes it live any more, and none would create it anew by a write. */
const RETAIN_LEAST_MS = 3 * WRITE_TRUST_MS;
/** Between two tries to announce a switch, in ms. */
const LOOK_MS = 50;

/** The generation that a rebuild which begins now builds. */
export async function nextGeneration(store: ReadModels, projection: Projection): Promise<number> {
  await store.live.refresh();
  return store.live.pointer(projection).generation + 1;
}

/**
 * Says in the pointer that a switch to `generation` is coming. Takes the place of an announcement whose rebuild died.
 * @param by the holder of the rebuild's lease
 * @throws SwitchRefused where another rebuild is switching, or the generation does not follow the live one
 */
export async function announceSwitch(
  store: ReadModels,
  projection: Projection,
  generation: number,
  by: string,
): Promise<Pointer> {
  const { db, live } = store;
  const { name } = projection;
  for (let seen = { revision: 0, at: 0 }; ; ) {
    await live.refresh();
    const pointer = live.pointer(projection);
    const { revision, sealing, ahead: _, ...rest } = pointer;
    if (generation !== pointer.generation + 1)
      throw new SwitchRefused(
        `${name} is at generation ${pointer.generation}; ${generation} does not follow.`,
      );
    if (revision !== seen.revision) seen = { revision, at: performance.now() };
    const isFree = sealing === undefined || sealing.by === by || (await isAbandoned(db, name, sealing));
    // Whoever takes off a seal must be done, or dead, before the next one is put on.
    const isLifted = sealing?.lifting !== true || performance.now() - seen.at > LIFT_MS;
    if (isFree && isLifted) {
      const next = { ...rest, sealing: { generation, by, since: new Date() } };
      const announced = await replacePointer(db, pointer, next);
      if (announced !== null) return announced;
    }
    if (!isFree) throw new SwitchRefused(`${sealing?.by} is switching ${name} at this moment.`);
    await pause(LOOK_MS);
  }
}

/**
 * The switch itself: one document changes, and the new generation is live.
 * @param announced the pointer as the switch was announced; any other now means that it was called off
 * @param ahead rows that are further in the new generation than subscribers were told; null: too many to name
 * @throws SwitchRefused where it was called off meanwhile
 */
export async function makeLive(
  { db, clock, timeline }: ReadModels,
  { name, version }: Projection,
  announced: Pointer,
  { generation, retainMs = RETAIN_MS }: { readonly generation: number; readonly retainMs?: number },
  ahead: readonly string[] | null,
): Promise<void> {
  const switchedAt = new Date(clock.now());
  const collection = generationCollection(name, announced.generation);
  const dropAfter = new Date(switchedAt.getTime() + Math.max(retainMs, RETAIN_LEAST_MS));
  const retired = [...announced.retired, { generation: announced.generation, collection, dropAfter }];
  const rows = (await collectionIds(db, [generationCollection(name, generation)])).values().next().value;
  const proof = rows === undefined ? {} : { proof: { timeline: timeline.id, rows } };
  const next = { generation, version, switchedAt, retired, ...proof, ahead };
  const switched = await replacePointer(db, announced, next);
  if (switched === null) throw new SwitchRefused(`The switch of ${name} took too long and was called off.`);
}

/** Takes the seal off, unless somebody has done so, or the switch has taken place after all: its reply may be lost. */
export async function callOffSwitch(
  store: ReadModels,
  announced: Pointer,
  collection: string,
  by: string,
): Promise<void> {
  try {
    await liftSeal(store.db, announced, collection, by);
    await store.live.refresh();
  } catch (error) {
    // Writers take it off as soon as the lease is over.
    store.log.warn({ err: error, projection: announced._id }, 'a switch could not be called off properly');
  }
}
