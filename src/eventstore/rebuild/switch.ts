import type { Timestamp } from 'mongodb';
import { pause } from '../backoff.ts';
import { clusterNow } from '../changes.ts';
import { createRowIndexes } from '../indexes.ts';
import { generationCollection, type Pointer, replacePointer } from '../projection/generation.ts';
import { TRUST_MS, WRITE_TRUST_MS } from '../projection/live-generation.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { holdsRebuild, isAbandoned, LIFT_MS, liftSeal, rebuildLease, seal } from '../projection/seal.ts';
import type { Projection } from '../projection.ts';
import { aheadOf } from './ahead.ts';

/** How long a switch is announced before it comes, in ms: every process that reads has heard of it by then. */
export const ANNOUNCE_MS = TRUST_MS + 200;
/** How long writers wait for the final catch-up at most, in ms; then the switch is called off. */
export const SEALED_LONGEST_MS = 5_000;
/** How long a generation that was live is kept, in ms. */
export const RETAIN_MS = 3_600_000;
/** The shortest, in ms: by then no process believes it live any more, and none would create it anew by a write. */
export const RETAIN_LEAST_MS = 3 * WRITE_TRUST_MS;

export interface SwitchOptions {
  /** The collection the generation was built in, with its indexes. Renamed to where the generation lives, first of all. */
  readonly building: string;
  /** From `nextGeneration`. */
  readonly generation: number;
  /** Who holds the lease `rebuildLease(projection.name)`. */
  readonly by: string;
  /**
   * Brings the rows in `collection` level with everything that was committed until then; further does no harm. Called
   * twice: the second time nobody can write inline rows, and everybody waits.
   */
  catchUp(until: Timestamp, collection: string): Promise<void>;
  /** Puts it in place though it has fewer rows than the live one. */
  readonly allowShorter?: boolean;
  readonly announceMs?: number;
  /** Default `RETAIN_MS`, at least `RETAIN_LEAST_MS`. */
  readonly retainMs?: number;
}

export interface SwitchReport {
  readonly projection: string;
  readonly generation: number;
  /** Where the rows are now, and where they were. */
  readonly collection: string;
  readonly retired: string;
  /** Rows of the new generation and of the old one, counted before the seal. */
  readonly rows: number;
  readonly oldRows: number;
  /** How long no row could be written, in ms. */
  readonly sealedMs: number;
}

/** The switch was not made, and everything is as before. The message is for the operator. */
export class SwitchRefused extends Error {
  override readonly name = 'SwitchRefused';
}

/** It would have shown less than the generation that is live. */
export class ShorterRefused extends SwitchRefused {}

/** The generation that a rebuild which begins now builds. */
export async function nextGeneration(store: ReadModels, projection: Projection): Promise<number> {
  await store.live.refresh();
  return store.live.pointer(projection).generation + 1;
}

/**
 * Puts a rebuilt generation in the place of the live one, for all processes at the same moment of the cluster's clock.
 * No append is lost or doubled: the old generation is sealed before the new one is brought level for the last time,
 * and whoever meets the seal writes again once the rows have moved. A failure takes the seal off again.
 * @throws SwitchRefused; what `catchUp` and MongoDB throw
 */
export async function switchGeneration(
  store: ReadModels,
  projection: Projection,
  options: SwitchOptions,
): Promise<SwitchReport> {
  const { db, live } = store;
  const { name } = projection;
  const { generation, by } = options;
  if (!(await holdsRebuild(db, name, by)))
    throw new SwitchRefused(`${by} does not hold the lease ${rebuildLease(name)}.`);
  const collection = generationCollection(name, generation);
  const pointer = await announce(store, projection, generation, by);
  const retired = generationCollection(name, pointer.generation);
  try {
    await moveIn(store, options.building, collection);
    await createRowIndexes(db, projection, collection);
    await pause(options.announceMs ?? ANNOUNCE_MS, () => undefined);
    const oldRows = await rowsIn(store, retired);
    await options.catchUp(await clusterNow(db), collection);
    const rows = await rowsIn(store, collection);
    if (options.allowShorter !== true) refuseShorter(projection, rows, oldRows);

    const sealedAt = performance.now();
    await seal(db, retired);
    const until = await clusterNow(db);
    await inTime(options.catchUp(until, collection));
    const ahead = projection.mode === 'async' ? await aheadOf(store, projection) : [];
    await flip(store, projection, pointer, options, ahead);
    const sealedMs = Math.round(performance.now() - sealedAt);
    await live.refresh();
    return { projection: name, generation, collection, retired, rows, oldRows, sealedMs };
  } catch (error) {
    await callOff(store, pointer, retired, by);
    throw error;
  }
}

/** Says in the pointer that a switch is coming; in the place of one whose rebuild died. */
async function announce(
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
    await pause(50, () => undefined);
  }
}

/** Rows of a generation, exactly: no estimate may decide about a switch. */
function rowsIn({ db }: ReadModels, collection: string): Promise<number> {
  return db.collection(collection).countDocuments({}, { hint: { _id: 1 } });
}

/** @throws SwitchRefused where screens would show less than before */
function refuseShorter({ name }: Projection, rows: number, oldRows: number): void {
  if (rows < oldRows)
    throw new ShorterRefused(`The rebuilt ${name} has ${rows} rows, the live one ${oldRows}: not switched.`);
}

/** From where it was built to where it will live; done already where an earlier try came as far as that. */
async function moveIn({ db }: ReadModels, building: string, collection: string): Promise<void> {
  const there = new Set((await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name));
  if (there.has(building)) await db.renameCollection(building, collection, { dropTarget: true });
  else if (!there.has(collection)) throw new SwitchRefused(`There is no ${building} to put in place.`);
}

/** The switch itself: one document. */
async function flip(
  { db }: ReadModels,
  { name, version }: Projection,
  pointer: Pointer,
  { generation, retainMs = RETAIN_MS }: SwitchOptions,
  ahead: readonly string[] | null,
): Promise<void> {
  const switchedAt = new Date();
  const collection = generationCollection(name, pointer.generation);
  const dropAfter = new Date(switchedAt.getTime() + Math.max(retainMs, RETAIN_LEAST_MS));
  const retired = [...pointer.retired, { generation: pointer.generation, collection, dropAfter }];
  const flipped = await replacePointer(db, pointer, { generation, version, switchedAt, retired, ahead });
  if (flipped === null) throw new SwitchRefused(`The switch of ${name} took too long and was called off.`);
}

/** Takes the seal off, unless somebody has done so, or the switch has taken place after all: its reply may be lost. */
async function callOff(store: ReadModels, pointer: Pointer, collection: string, by: string): Promise<void> {
  try {
    await liftSeal(store.db, pointer, collection, by);
    await store.live.refresh();
  } catch (error) {
    // Writers see to it as soon as the lease is over.
    store.log.warn({ err: error, projection: pointer._id }, 'a switch could not be called off properly');
  }
}

/** @throws SwitchRefused where writers would wait for too long */
function inTime(catchingUp: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new SwitchRefused('The last rows took too long to catch up; the switch was called off.')),
      SEALED_LONGEST_MS,
    );
    catchingUp.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
