import {
  type ClientSession,
  type Collection,
  type Db,
  type Document,
  type Filter,
  MongoServerError,
  Timestamp,
} from 'mongodb';
import type { Row } from '../projection.ts';
import { generationCollection, POINTERS, type Pointer } from './generation/pointer.ts';

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

/** A collection for reads of a snapshot session, which sees everything as it was at one moment. */
export function snapshotCollection<T extends Document>(db: Db, collection: string): Collection<T> {
  // Said here as well: a read concern inherited from the URI would silently take the place of the session's.
  return db.collection<T>(collection, { readConcern: { level: 'snapshot' } });
}

/**
 * The moment that the server chose at the session's first read; undefined where it said none, which is so for a
 * collection that does not exist. The driver keeps it on the session, but leaves it out of its types.
 */
export function snapshotTime(session: ClientSession): Timestamp | undefined {
  const time: unknown = Reflect.get(session, 'snapshotTime');
  return time instanceof Timestamp ? time : undefined;
}

/** Reads at a moment not long past (5 minutes by default). */
function atTime<T>(db: Db, time: Timestamp, read: (session: ClientSession) => Promise<T>): Promise<T> {
  return db.client.withSession({ snapshot: true }, async (session) => {
    Reflect.set(session, 'snapshotTime', time);
    return read(session);
  });
}

/** BadValue, Unauthorized, InvalidOptions and their like: what the server does not understand or allow. */
const HOPELESS_CODES: readonly number[] = [2, 9, 13, 18, 51, 72, 168];

/** True where a failed read is worth another try. */
export function mayReadAgain(error: unknown): boolean {
  return !(error instanceof MongoServerError && HOPELESS_CODES.includes(Number(error.code)));
}
