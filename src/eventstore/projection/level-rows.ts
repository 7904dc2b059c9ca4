import { type AnyBulkWriteOperation, MongoBulkWriteError } from 'mongodb';
import { backoff, pause } from '../backoff.ts';
import { clusterNow } from '../changes.ts';
import { isDuplicateKey, isPassing } from '../faults.ts';
import { streamsBehind } from '../log/streams-behind.ts';
import type { Projection, Row } from '../projection.ts';
import type { Store } from '../store.ts';
import { checkpointsOf } from './checkpoint.ts';
import { startProjector } from './projector.ts';
import { openRowBook, type RowBook, type StreamOfRow } from './row-book.ts';
import { isSealError } from './seal.ts';

/** How long a chunk of rows is tried, and a projector may be silent, in ms. */
const PATIENCE_MS = 60_000;
/** How often a projector's place is looked at, in ms. */
const LOOK_MS = 200;

/** What bringing a read model level with the log came to. */
export interface Levelled {
  readonly projection: string;
  /** Rows that were behind and are level now; of an async read model it is not counted. */
  readonly rows?: number;
  /** Rows that an event which cannot be folded keeps back. */
  readonly poisoned: number;
  /** False: its projector makes no progress. */
  readonly level: boolean;
}

/**
 * Brings every read model level with the log: what was recorded past the commands has no rows yet. Gateways may serve
 * and write meanwhile.
 * @throws what MongoDB throws, after PATIENCE_MS of trying
 */
export async function levelAll(store: Store, projections: readonly Projection[]): Promise<Levelled[]> {
  const levelled: Levelled[] = [];
  for (const projection of projections)
    levelled.push(await (projection.mode === 'inline' ? levelRows : awaitProjector)(store, projection));
  return levelled;
}

/**
 * Brings the rows of an inline read model level with the log. It needs no lease: a row is written only onto the state it
 * was folded from, and a command that is faster has folded the same events.
 */
export async function levelRows(store: Store, projection: Projection): Promise<Levelled> {
  const book = openRowBook(store, projection, 1, (behind, err) => {
    store.log.error(
      { err, projection: projection.name, behind },
      'an event cannot be folded; its row stays as it was',
    );
  });
  let rows = 0;
  for await (const streams of streamsBehind(store, projection, await clusterNow(store.db)))
    if (streams.length > 0) rows += await levelChunk(store, projection, book, streams);
  return { projection: projection.name, rows, poisoned: book.behind.size, level: true };
}

async function levelChunk(
  store: Store,
  projection: Projection,
  book: RowBook,
  streams: readonly StreamOfRow[],
): Promise<number> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let failures = 0; ; failures++) {
    const collection = store.live.of(projection);
    try {
      await store.live.forWriting();
      const changes = await book.catchUp(streams);
      const operations = changes.flatMap(({ id, was, row }) =>
        row === null ? [] : [operationOf(id, was, row)],
      );
      book.forget(changes);
      if (operations.length === 0) return 0;
      const rows = store.db.collection<Row>(collection, { writeConcern: { w: 'majority', journal: true } });
      const { insertedCount, matchedCount } = await rows.bulkWrite(operations, { ordered: false });
      if (insertedCount + matchedCount === operations.length) return operations.length;
    } catch (error) {
      if (isSealedBatch(error)) await store.live.moved(projection.name, collection);
      else if (!isDuplicateKey(error) && !isPassing(error)) throw error;
      if (performance.now() > deadline) throw error;
    }
    // A command wrote some of these rows in between, or the database was away: look again at what is behind.
    await backoff(failures, () => undefined);
  }
}

function isSealedBatch(error: unknown): boolean {
  if (!(error instanceof MongoBulkWriteError)) return isSealError(error);
  return [error.writeErrors].flat().some(({ code }) => code === 121);
}

/** Never an upsert with a sequence in its filter: that would insert a second row, or throw. */
function operationOf(id: string, was: number, row: Row): AnyBulkWriteOperation<Row> {
  if (was === 0) return { insertOne: { document: row } };
  const { _id, ...replacement } = row;
  return { replaceOne: { filter: { _id: id, lastSequence: was }, replacement } };
}

/**
 * Waits until the projector of an async read model is level with the log: that of a running gateway, which follows the
 * inserts, or else one of our own.
 */
async function awaitProjector(store: Store, projection: Projection): Promise<Levelled> {
  const { name } = projection;
  const since = new Date();
  const own = await startProjector(store, [projection]);
  try {
    let [seenAt, seen] = [performance.now(), 0];
    for (;;) {
      const checkpoint = await checkpointsOf(store.db).findOne({ _id: name });
      const poisoned = checkpoint?.behind.length ?? 0;
      if (checkpoint?.levelAt !== undefined && checkpoint.levelAt >= since)
        return { projection: name, poisoned, level: true };
      const updated = checkpoint?.updatedAt.getTime() ?? 0;
      if (updated !== seen) [seenAt, seen] = [performance.now(), updated];
      if (performance.now() - seenAt > PATIENCE_MS) return { projection: name, poisoned, level: false };
      await pause(LOOK_MS, () => undefined);
    }
  } finally {
    await own.stop();
  }
}
