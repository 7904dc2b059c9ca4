import {
  type ClientSession,
  type Collection,
  type Db,
  type Document,
  type Filter,
  type FindCursor,
  MongoServerError,
  Timestamp,
  type WithId,
} from 'mongodb';
import type { Row } from '../projection.ts';
import { generationCollection, POINTERS, type Pointer } from './generation.ts';
import type { RowFilter } from './rows.ts';

export interface SnapshotChunk<R> {
  readonly rows: readonly R[];
  /** Nothing follows. */
  readonly complete: boolean;
  /** What was committed until then is in the snapshot, what came later is not. */
  readonly time: Timestamp;
}

/** Rows of one tenant that match a filter, all as they were at one moment. */
export interface SnapshotReader<R> {
  next(): Promise<SnapshotChunk<R>>;
  close(): void;
}

export interface SnapshotQuery {
  /** The read model's name. */
  readonly projection: string;
  readonly tenantId: string;
  readonly filter: RowFilter;
  /** Rows in a chunk. */
  readonly rows: number;
}

/** A snapshot that is older than what the stream has told already: on a new primary, for a moment. */
class SnapshotBehind extends Error {}

/**
 * Reads a snapshot in chunks, each when it is asked for.
 * @param notBefore the feed's place when the subscriber was registered; an older snapshot is refused by `next()`
 */
export function openSnapshot<R extends Row>(
  db: Db,
  query: SnapshotQuery,
  notBefore: Timestamp,
): SnapshotReader<R> {
  const session = db.client.startSession({ snapshot: true });
  const bound = { $and: [{ tenantId: query.tenantId }, query.filter] } as Filter<R>;
  let cursor: FindCursor<WithId<R>> | undefined;
  const open = async (): Promise<FindCursor<WithId<R>>> => {
    // First where the rows lived at that moment, then the rows of the same moment: exact around a switch, too.
    const pointer = await snapshotOf<Pointer>(db, POINTERS).findOne({ _id: query.projection }, { session });
    const collection = generationCollection(query.projection, pointer?.generation ?? 1);
    return snapshotOf<R>(db, collection).find(bound, { session, batchSize: query.rows });
  };
  return {
    async next() {
      cursor ??= await open();
      await cursor.hasNext();
      const chunk = cursor.readBufferedDocuments(query.rows) as R[];
      // Of a collection that does not exist yet the server tells no moment: whatever comes, comes after.
      const time = chunk.length === 0 ? (timeOf(session) ?? notBefore) : timeOf(session);
      if (time === undefined) throw new Error('The server did not say at which moment it read.');
      if (time.lessThan(notBefore)) throw new SnapshotBehind();
      return { rows: chunk, complete: !(await cursor.hasNext()), time };
    },
    close() {
      Promise.resolve(cursor?.close())
        .then(() => session.endSession())
        .catch(() => undefined);
    },
  };
}

/** All pointers, and the moment at which they were so; no moment where there has never been one. */
export async function pointersAtOnce(db: Db): Promise<{ pointers: Pointer[]; time: Timestamp | undefined }> {
  return db.client.withSession({ snapshot: true }, async (session) => {
    const pointers = await snapshotOf<Pointer>(db, POINTERS).find({}, { session }).toArray();
    return { pointers, time: timeOf(session) };
  });
}

/** Rows as they were at a moment not long past (5 minutes by default). */
export async function rowsAt(
  db: Db,
  collection: string,
  ids: readonly string[],
  time: Timestamp,
): Promise<Row[]> {
  return db.client.withSession({ snapshot: true }, async (session) => {
    Reflect.set(session, 'snapshotTime', time);
    return snapshotOf<Row>(db, collection)
      .find({ _id: { $in: [...ids] } }, { session })
      .toArray();
  });
}

/** Rows that match a filter as they were at a moment not long past, wherever they lived then. */
export async function rowsMatching(
  db: Db,
  projection: string,
  filter: Document,
  time: Timestamp,
  fields: Document = {},
): Promise<Row[]> {
  return db.client.withSession({ snapshot: true }, async (session) => {
    Reflect.set(session, 'snapshotTime', time);
    const pointer = await snapshotOf<Pointer>(db, POINTERS).findOne({ _id: projection }, { session });
    const rows = snapshotOf<Row>(db, generationCollection(projection, pointer?.generation ?? 1));
    return rows.find(filter as Filter<Row>, { session, projection: fields, batchSize: 10_000 }).toArray();
  });
}

/** Said here as well: a read concern inherited from the URI would silently take the place of the session's. */
export function snapshotOf<T extends Document>(db: Db, collection: string): Collection<T> {
  return db.collection<T>(collection, { readConcern: { level: 'snapshot' } });
}

/** Worth another try: anything but a query that the server does not understand or allow. */
export function mayReadAgain(error: unknown): boolean {
  const HOPELESS = [2, 9, 13, 18, 51, 72, 168];
  return !(error instanceof MongoServerError && HOPELESS.includes(Number(error.code)));
}

/** The moment that the server chose; the driver keeps it on the session, but leaves it out of its types. */
export function timeOf(session: ClientSession): Timestamp | undefined {
  const time: unknown = Reflect.get(session, 'snapshotTime');
  return time instanceof Timestamp ? time : undefined;
}
