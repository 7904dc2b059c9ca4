import { type Collection, type Db, MongoServerError } from 'mongodb';
import type { Projection, Row } from '../../projection.ts';
import { checkpointsOf } from '../checkpoint.ts';

/** The announcement in a pointer that a rebuild is about to put another generation in place. */
export interface Sealing {
  /** The generation to come. */
  readonly generation: number;
  /** The holder of the rebuild's lease. */
  readonly by: string;
  readonly since: Date;
  /** The switch was called off, and its seal is being taken off. */
  readonly lifting?: true;
}

/** A generation that was live, and is kept for a while for those who still read it. */
export interface Retired {
  readonly generation: number;
  readonly collection: string;
  readonly dropAfter: Date;
}

/** What the rows of a live generation are known to be the folds of. */
export interface Proof {
  /** The timeline (`timeline.ts`) whose log they were folded from. */
  readonly timeline: number;
  /** The id that the server gave to their collection. */
  readonly rows: string;
}

/** Says which generation of a read model is live, that is, which collection holds its rows: a switch changes this alone. */
export interface Pointer {
  /** The projection's name. */
  readonly _id: string;
  readonly generation: number;
  /** Of the code that folded the rows; 0: nothing has folded what the log has. */
  readonly version: number;
  /** Raised with every change of this document: each change builds on exactly one predecessor. */
  readonly revision: number;
  readonly switchedAt: Date;
  readonly sealing?: Sealing;
  readonly retired: readonly Retired[];
  /** Absent: they have to be compared with the log first (`recovery/`). */
  readonly proof?: Proof;
  /**
   * The rows (by `_id`) that were further in the new generation, when it took over, than subscribers had seen in the old
   * one; null: too many to name. Only in the change that is the switch.
   */
  readonly ahead?: readonly string[] | null;
}

/** What a pointer becomes. */
export type NextPointer = Omit<Pointer, '_id' | 'revision'>;

export const POINTERS = 'projection_pointers';

export function pointersOf(db: Db): Collection<Pointer> {
  return db.collection<Pointer>(POINTERS, {
    // Never a secondary, whatever the URI prefers: an old pointer would lead to rows that nobody writes any more.
    readPreference: 'primary',
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
}

/** Where generation `generation` of a read model lives; the first has the plain name. */
export function generationCollection(name: string, generation: number): string {
  return generation === 1 ? name : `${name}_v${generation}`;
}

/** Under so many names a read model is built, one after the other: rights in MongoDB are given by name. */
export const BUILDING_NAMES = 32;

/**
 * Where a generation is built: no change stream covers that collection, so a million rows put there reach no subscriber.
 * @param fence of the lease it is built under: whoever held that before, of the last thirty-one, writes elsewhere
 */
export function buildingCollection(name: string, fence: number): string {
  return `${name}_building_${fence % BUILDING_NAMES}`;
}

/** True for a collection in which a generation of this read model is, or was, being built; also by the names of earlier versions. */
export function isBuilding(name: string, collection: string): boolean {
  return (
    collection.startsWith(`${name}_`) &&
    /^(?:v\d+_)?building(?:_\d+)?$/.test(collection.slice(name.length + 1))
  );
}

/** Matches the pointers and every generation of these read models: a saved token stays usable whichever is live. */
export function generationsPattern(names: readonly string[]): RegExp {
  const any = names.map((name) => name.replaceAll(/[^\w]/g, '\\$&')).join('|');
  return new RegExp(`^(?:(?:${any})(?:_v\\d+)?|${POINTERS})$`);
}

/** A read model's pointer as a majority has it now; null for one that no store was opened with yet. */
export function readPointer(db: Db, name: string): Promise<Pointer | null> {
  return pointersOf(db).findOne({ _id: name });
}

/**
 * Changes a pointer, unless somebody else was faster. It is replaced as a whole, so that the change stream carries it.
 * @returns the pointer as it is then; null where `from` is not what stands there any more
 */
export function replacePointer(db: Db, from: Pointer, to: NextPointer): Promise<Pointer | null> {
  const { generation, version, switchedAt, sealing, retired, proof, ahead } = to;
  return pointersOf(db).findOneAndReplace(
    { _id: from._id, revision: from.revision },
    {
      generation,
      version,
      revision: from.revision + 1,
      switchedAt,
      ...(sealing === undefined ? {} : { sealing }),
      retired,
      ...(proof === undefined ? {} : { proof }),
      ...(ahead === undefined ? {} : { ahead }),
    },
    { returnDocument: 'after' },
  );
}

/** Puts back a pointer that was dropped, as it was known last; without the switch that may have been on. */
export async function putBackPointer(db: Db, known: Pointer): Promise<Pointer> {
  const { _id, sealing: _, ahead: __, ...rest } = known;
  const pointer = { ...rest, revision: known.revision + 1 };
  const put = await pointersOf(db).findOneAndUpdate(
    { _id },
    { $setOnInsert: pointer },
    { upsert: true, returnDocument: 'after' },
  );
  return put ?? { _id, ...pointer };
}

/** Creates the pointers that are missing: in a new database, or in one from before there were generations. */
export async function createPointers(db: Db, projections: readonly Projection[]): Promise<void> {
  const there = await pointersOf(db).distinct('_id');
  const known = new Set<unknown>(there);
  for (const projection of projections) {
    if (!known.has(projection.name)) await createPointer(db, projection);
  }
}

async function createPointer(db: Db, projection: Projection): Promise<void> {
  const generation = await newestGeneration(db, projection);
  const pointer = {
    generation,
    // Which code has folded a later generation is known to nobody but the pointer that is lost.
    version: generation > 1 ? 0 : await versionOf(db, projection),
    revision: 1,
    switchedAt: new Date(),
    retired: [],
  };
  try {
    await pointersOf(db).updateOne({ _id: projection.name }, { $setOnInsert: pointer }, { upsert: true });
  } catch (error) {
    // Another process started at the same moment: its pointer is as good.
    if (!(error instanceof MongoServerError && error.code === 11_000)) throw error;
  }
}

/** The newest generation of which there is a collection; 1 where there is none. */
async function newestGeneration(db: Db, { name }: Projection): Promise<number> {
  const pattern = new RegExp(`^${name.replaceAll(/[^\w]/g, '\\$&')}_v(\\d+)$`);
  const there = await db.listCollections({ name: pattern }, { nameOnly: true }).toArray();
  return Math.max(1, ...there.map(({ name: collection }) => Number(pattern.exec(collection)?.[1] ?? 1)));
}

/** The version of the code that folded the rows that are there, as far as that can be known; 0: no rows for what the log has. */
async function versionOf(db: Db, { name, mode, aggregateType, version }: Projection): Promise<number> {
  const checkpoint = await checkpointsOf(db).findOne({ _id: name });
  if (checkpoint !== null) return checkpoint.version;
  if (mode === 'async') return version;
  // The log is read first: a row that is written between the two reads is seen by the second one.
  const event = await db.collection('events').findOne({ aggregateType }, { projection: { _id: 1 } });
  if (event === null) return version;
  const row = await db.collection<Row>(name).findOne({}, { projection: { _id: 1 } });
  return row === null ? 0 : version;
}
