import { type Collection, type Db, MongoServerError } from 'mongodb';
import type { Projection, Row } from '../projection.ts';
import { checkpointsOf } from './checkpoint.ts';

/** A rebuild is about to put another generation in place. */
export interface Sealing {
  /** The generation to come. */
  readonly generation: number;
  /** Who is at it: the holder of the rebuild's lease. */
  readonly by: string;
  readonly since: Date;
  /** The seal is being taken off again, and nothing comes of this switch. */
  readonly lifting?: true;
}

/** A generation that was live, kept for those who still read it. */
export interface Retired {
  readonly generation: number;
  readonly collection: string;
  readonly dropAfter: Date;
}

/** Which collection holds a read model's rows; the one document that a switch changes. */
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
  /**
   * The rows (by `_id`) that were further in the new generation, when it took over, than the old one had told; null:
   * too many to name. Only in the change that is the switch.
   */
  readonly ahead?: readonly string[] | null;
}

/** What a pointer becomes. */
export type NextPointer = Omit<Pointer, '_id' | 'revision'>;

export const POINTERS = 'projection_pointers';

export function pointersOf(db: Db): Collection<Pointer> {
  return db.collection<Pointer>(POINTERS, {
    // Whatever the URI prefers for rows: an old pointer would lead to rows that nobody writes any more.
    readPreference: 'primary',
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
}

/** Where generation `generation` of a read model lives; the first has the plain name. */
export function generationCollection(name: string, generation: number): string {
  return generation === 1 ? name : `${name}_v${generation}`;
}

/** Where a generation is built: nobody follows that one, so that a million rows put there are news to nobody. */
export function buildingCollection(name: string, generation: number): string {
  return `${generationCollection(name, generation)}_building`;
}

/** Matches every generation of these read models and the pointers, whatever is live: a saved place stays usable. */
export function generationsPattern(names: readonly string[]): RegExp {
  const any = names.map((name) => name.replaceAll(/[^\w]/g, '\\$&')).join('|');
  return new RegExp(`^(?:(?:${any})(?:_v\\d+)?|${POINTERS})$`);
}

/** A read model's pointer as a majority has it now; null for one that no store was opened with yet. */
export function readPointer(db: Db, name: string): Promise<Pointer | null> {
  return pointersOf(db).findOne({ _id: name });
}

/**
 * Changes a pointer, unless somebody else was faster. Replaced as a whole, which the feed is told with its content.
 * @returns the pointer as it is then; null where `from` is not what stands there any more
 */
export function replacePointer(db: Db, from: Pointer, to: NextPointer): Promise<Pointer | null> {
  const { generation, version, switchedAt, sealing, retired, ahead } = to;
  return pointersOf(db).findOneAndReplace(
    { _id: from._id, revision: from.revision },
    {
      generation,
      version,
      revision: from.revision + 1,
      switchedAt,
      ...(sealing === undefined ? {} : { sealing }),
      retired,
      ...(ahead === undefined ? {} : { ahead }),
    },
    { returnDocument: 'after' },
  );
}

/** Puts the pointers in place that are missing: of a new database, or of one from before there were generations. */
export async function createPointers(db: Db, projections: readonly Projection[]): Promise<void> {
  const there = await pointersOf(db).distinct('_id');
  const known = new Set<unknown>(there);
  for (const projection of projections) {
    if (!known.has(projection.name)) await createPointer(db, projection);
  }
}

async function createPointer(db: Db, projection: Projection): Promise<void> {
  const pointer = {
    generation: 1,
    version: await versionOf(db, projection),
    revision: 1,
    switchedAt: new Date(),
    retired: [],
  };
  try {
    await pointersOf(db).updateOne({ _id: projection.name }, { $setOnInsert: pointer }, { upsert: true });
  } catch (error) {
    // Two processes started at the same moment: the other one's is as good.
    if (!(error instanceof MongoServerError && error.code === 11_000)) throw error;
  }
}

/** By which code the rows that are there were folded, as far as that can be known. */
async function versionOf(db: Db, { name, mode, aggregateType, version }: Projection): Promise<number> {
  const checkpoint = await checkpointsOf(db).findOne({ _id: name });
  if (checkpoint !== null) return checkpoint.version;
  if (mode === 'async') return version;
  // The log first: a row that is written between the two reads is seen by the second one.
  const event = await db.collection('events').findOne({ aggregateType }, { projection: { _id: 1 } });
  if (event === null) return version;
  const row = await db.collection<Row>(name).findOne({}, { projection: { _id: 1 } });
  return row === null ? 0 : version;
}
