import type { Timestamp } from 'mongodb';
import { pause } from '../backoff.ts';
import { clusterNow } from '../changes.ts';
import { createRowIndexes } from '../indexes.ts';
import { TRUST_MS } from '../projection/generation/live.ts';
import { generationCollection, type Pointer } from '../projection/generation/pointer.ts';
import { holdsRebuild, rebuildLease, seal } from '../projection/generation/seal.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import { rowsAhead } from './ahead.ts';
import { announceSwitch, callOffSwitch, makeLive } from './pointer.ts';
import { ShorterRefused, SwitchRefused } from './refused.ts';

/** How long a switch is announced before it comes, in ms: every process that reads has heard of it by then. */
export const ANNOUNCE_MS = TRUST_MS + 200;
/** How long writers wait for the final catch-up at most, in ms; then the switch is called off. */
export const SEALED_LONGEST_MS = 5_000;
export interface SwitchOptions {
  /** The collection in which the generation was built, with its indexes. It is renamed first of all. */
  readonly building: string;
  /** From `nextGeneration`. */
  readonly generation: number;
  /** Who holds the lease `rebuildLease(projection.name)`. */
  readonly by: string;
  /**
   * Catches the rows in `collection` up with everything that was committed until then; further does no harm. Called
   * twice: the second time nobody can write inline rows, and everybody waits.
   */
  catchUp(until: Timestamp, collection: string): Promise<void>;
  /** Puts it in place though it has fewer rows than the live one. */
  readonly allowShorter?: boolean;
  readonly announceMs?: number;
  /** How long the generation that was live is kept; by default `RETAIN_MS`, and never so short that it is still used. */
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

/**
 * Puts a rebuilt generation in the place of the live one, for all processes at the same moment of the cluster's clock.
 * No append is lost or doubled: the old generation is sealed before the new one catches up for the last time, and
 * whoever meets the seal writes again once the rows have moved. A failure takes the seal off again.
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
  const pointer = await announceSwitch(store, projection, generation, by);
  const retired = generationCollection(name, pointer.generation);
  try {
    await moveBuilding(store, options.building, collection);
    await createRowIndexes(db, projection, collection);
    await pause(options.announceMs ?? ANNOUNCE_MS);
    const oldRows = await rowsIn(store, retired);
    await options.catchUp(await clusterNow(db), collection);
    const rows = await rowsIn(store, collection);
    if (options.allowShorter !== true) refuseShorter(projection, rows, oldRows);

    const sealedAt = performance.now();
    await seal(db, retired);
    const until = await clusterNow(db);
    await withinLimit(options.catchUp(until, collection));
    const ahead = await aheadOf(store, projection, pointer);
    await makeLive(store, projection, pointer, options, ahead);
    const sealedMs = Math.round(performance.now() - sealedAt);
    await live.refresh();
    return { projection: name, generation, collection, retired, rows, oldRows, sealedMs };
  } catch (error) {
    await callOffSwitch(store, pointer, retired, by);
    throw error;
  }
}

/** What subscribers have to be told of the switch. Of rows that were not as the log says, nobody knows what they were told. */
async function aheadOf(
  store: ReadModels,
  projection: Projection,
  { proof }: Pointer,
): Promise<readonly string[] | null> {
  if (proof?.timeline !== store.timeline.id) return null;
  return projection.mode === 'async' ? rowsAhead(store, projection) : [];
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

/** Renames the new generation from where it was built to where it will live, unless an earlier try has done so. */
async function moveBuilding({ db }: ReadModels, building: string, collection: string): Promise<void> {
  const there = new Set((await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name));
  if (there.has(building)) await db.renameCollection(building, collection, { dropTarget: true });
  else if (!there.has(collection)) throw new SwitchRefused(`There is no ${building} to put in place.`);
}

/** @throws SwitchRefused where writers would wait for too long */
function withinLimit(catchingUp: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new SwitchRefused('The last rows took too long to catch up; the switch was called off.')),
      SEALED_LONGEST_MS,
    );
    catchingUp.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
