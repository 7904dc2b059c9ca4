import { type AnyBulkWriteOperation, BSON, type ClientSession, type Document, type Filter } from 'mongodb';
import { retry } from '../backoff.ts';
import { shutOutProjector } from '../projection/projector-fence.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { mayWriteAgain, put, writeInto } from '../projection/row-writes.ts';
import type { Projection, Row } from '../projection.ts';
import { transact } from '../transact.ts';
import type { RowRepair } from './diagnose.ts';
import { sameBytes } from './row-difference.ts';

/** Rows of one transaction. */
const BATCH_ROWS = 100;
/** Lost races with writers of the same rows, and times that the database is away: for about a minute. */
const TRIES = 40;

/**
 * Puts right rows in place of wrong ones. A row that is no longer as it was found has been written meanwhile, by someone
 * who knows its stream at least as far: it stays. Subscribers are told as of any change.
 * @returns the repairs that were applied
 */
export async function repairRows(
  store: ReadModels,
  projection: Projection,
  repairs: readonly RowRepair[],
): Promise<Set<RowRepair>> {
  const applied = new Set<RowRepair>();
  for (let first = 0; first < repairs.length; first += BATCH_ROWS)
    for (const repair of await repairBatch(store, projection, repairs.slice(first, first + BATCH_ROWS)))
      applied.add(repair);
  return applied;
}

async function repairBatch(
  store: ReadModels,
  projection: Projection,
  repairs: readonly RowRepair[],
): Promise<readonly RowRepair[]> {
  const { client, db, live } = store;
  return retry(
    async () => {
      const target = { projection: projection.name, collection: live.collectionOf(projection) };
      await live.beforeWriting([projection.name]);
      let applied: RowRepair[] = [];
      await transact(client, async (session) => {
        // First of all: the projector writes all the time, and of two transactions the later one has to try again.
        if (projection.mode === 'async') await shutOutProjector(db, projection.name, session);
        applied = await unchanged(store, target.collection, repairs, session);
        if (applied.length > 0) await writeInto(db, target, applied.flatMap(operationsOf), { session });
      });
      return applied;
    },
    { when: (error) => mayWriteAgain(live, error), tries: TRIES },
  );
}

/** Those whose row is still as it was found. Whoever writes one before the transaction is over makes it fail. */
async function unchanged(
  { db }: ReadModels,
  collection: string,
  repairs: readonly RowRepair[],
  session: ClientSession,
): Promise<RowRepair[]> {
  const stored = new Map<string, Uint8Array>();
  const rows: unknown[] = await db
    .collection<Row>(collection)
    .find(byIds(repairs), { session, raw: true })
    .toArray();
  for (const bytes of rows)
    if (bytes instanceof Uint8Array) stored.set(keyOf(BSON.deserialize(bytes)._id), bytes);
  return repairs.filter(({ id, found }) => {
    const bytes = stored.get(keyOf(id));
    return bytes === undefined ? found === null : found !== null && sameBytes(bytes, found);
  });
}

function operationsOf({ id, found, expected }: RowRepair): AnyBulkWriteOperation<Row>[] {
  const filter = byId(id);
  // Updated before it is deleted: a seal stops updates, but no deletes.
  if (expected === null)
    return [{ updateOne: { filter, update: { $unset: { lastEvent: 1 } } } }, { deleteOne: { filter } }];
  if (found === null) return [{ insertOne: { document: expected } }];
  const { lastSequence } = BSON.deserialize(found);
  if (typeof lastSequence === 'number' && lastSequence < expected.lastSequence) return [put(expected)];
  // Subscribers take a row of the same sequence for the one they have; deleted in between, it comes to them as new.
  return [{ deleteOne: { filter } }, { insertOne: { document: expected } }];
}

function byIds(repairs: readonly RowRepair[]): Filter<Row> {
  return { _id: { $in: repairs.map(({ id }) => id) } } as Document as Filter<Row>;
}

function keyOf(id: unknown): string {
  return typeof id === 'string' ? id : BSON.EJSON.stringify({ id });
}

function byId(id: unknown): Filter<Row> {
  return { _id: id } as Document as Filter<Row>;
}
