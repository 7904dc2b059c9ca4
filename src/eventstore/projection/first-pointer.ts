import { type Db, MongoServerError } from 'mongodb';
import type { Projection, Row } from '../projection.ts';
import { checkpointsOf } from './checkpoint.ts';
import { pointersOf } from './generation.ts';

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
