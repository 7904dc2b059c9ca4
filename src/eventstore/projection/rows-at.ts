import type { Db, Document, Filter, Timestamp } from 'mongodb';
import type { Row } from '../projection.ts';
import { generationCollection, POINTERS, type Pointer } from './generation/pointer.ts';
import { atTime, snapshotCollection, snapshotTime } from './snapshot-session.ts';

/** All pointers, and the moment at which they were so; no moment where there has never been one. */
export function pointersAtOnce(db: Db): Promise<{ pointers: Pointer[]; time: Timestamp | undefined }> {
  return db.client.withSession({ snapshot: true }, async (session) => {
    const pointers = await snapshotCollection<Pointer>(db, POINTERS).find({}, { session }).toArray();
    return { pointers, time: snapshotTime(session) };
  });
}

/** Rows of a collection, by `_id`, as they were at a moment not long past (5 minutes by default). */
export function rowsAt(db: Db, collection: string, ids: readonly string[], time: Timestamp): Promise<Row[]> {
  return atTime(db, time, (session) =>
    snapshotCollection<Row>(db, collection)
      .find({ _id: { $in: [...ids] } }, { session })
      .toArray(),
  );
}

/** Rows of a read model that match a filter, as they were at a moment not long past, wherever they were then. */
export function matchingRowsAt(
  db: Db,
  projection: string,
  filter: Document,
  time: Timestamp,
  fields: Document = {},
): Promise<Row[]> {
  return atTime(db, time, async (session) => {
    const pointer = await snapshotCollection<Pointer>(db, POINTERS).findOne({ _id: projection }, { session });
    const rows = snapshotCollection<Row>(db, generationCollection(projection, pointer?.generation ?? 1));
    return rows.find(filter as Filter<Row>, { session, projection: fields, batchSize: 10_000 }).toArray();
  });
}
