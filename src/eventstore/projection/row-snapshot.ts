import type { Db, Filter, FindCursor, Timestamp, WithId } from 'mongodb';
import type { Row } from '../projection.ts';
import { generationCollection, POINTERS, type Pointer } from './generation/pointer.ts';
import type { RowFilter } from './rows.ts';
import { snapshotCollection, snapshotTime } from './rows-at.ts';

export interface RowSnapshotChunk<R> {
  readonly rows: readonly R[];
  /** Nothing follows. */
  readonly complete: boolean;
  /** What was committed until then is in the snapshot; what came later is not. */
  readonly time: Timestamp;
}

/** Rows of one tenant that match a filter, all as they were at one moment. */
export interface RowSnapshot<R> {
  next(): Promise<RowSnapshotChunk<R>>;
  close(): void;
}

export interface RowSnapshotQuery {
  /** The read model's name. */
  readonly projection: string;
  readonly tenantId: string;
  readonly filter: RowFilter;
  /** Rows in a chunk. */
  readonly rows: number;
}

/** The snapshot is older than what subscribers have seen already: on a new primary that may be so for a moment. */
class SnapshotBehind extends Error {}

/**
 * Reads a snapshot in chunks, each when it is asked for.
 * @param notBefore the feed's place when the subscriber was registered; an older snapshot is refused by `next()`
 */
export function openRowSnapshot<R extends Row>(
  db: Db,
  query: RowSnapshotQuery,
  notBefore: Timestamp,
): RowSnapshot<R> {
  const session = db.client.startSession({ snapshot: true });
  const bound = { $and: [{ tenantId: query.tenantId }, query.filter] } as Filter<R>;
  let cursor: FindCursor<WithId<R>> | undefined;
  const open = async (): Promise<FindCursor<WithId<R>>> => {
    // Both at one moment, where the rows were and the rows: so a switch between makes no difference.
    const pointer = await snapshotCollection<Pointer>(db, POINTERS).findOne(
      { _id: query.projection },
      { session },
    );
    const collection = generationCollection(query.projection, pointer?.generation ?? 1);
    return snapshotCollection<R>(db, collection).find(bound, { session, batchSize: query.rows });
  };
  return {
    async next() {
      cursor ??= await open();
      await cursor.hasNext();
      const chunk = cursor.readBufferedDocuments(query.rows) as R[];
      // For a collection that does not exist yet the server says no moment: whatever comes there comes later.
      const time = chunk.length === 0 ? (snapshotTime(session) ?? notBefore) : snapshotTime(session);
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
