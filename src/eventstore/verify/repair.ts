import { type AnyBulkWriteOperation, BSON, type ClientSession, type Document, type Filter } from 'mongodb';
import { backoff } from '../backoff.ts';
import type { Store } from '../command/store.ts';
import { isDuplicateKey, isPassing } from '../faults.ts';
import { shutOutProjector } from '../projection/projector-fence.ts';
import { put, RowsSealed, writeInto } from '../projection/row-writes.ts';
import type { Projection, Row } from '../projection.ts';
import { transact } from '../transact.ts';
import type { Remedy } from './diagnose.ts';
import { sameBytes } from './row-difference.ts';

/** Rows of one transaction. */
const BATCH_ROWS = 100;
/** Lost races with writers of the same rows, and times that the database is away: for about a minute. */
const TRIES = 40;

/**
 * Puts right rows in place of wrong ones. A row that is no longer as it was found has been written meanwhile, by someone
 * who knows its stream at least as far: it stays. Subscribers are told as of any change.
 * @returns the remedies that were applied
 */
export async function repairRows(
  store: Store,
  projection: Projection,
  remedies: readonly Remedy[],
): Promise<Set<Remedy>> {
  const applied = new Set<Remedy>();
  for (let first = 0; first < remedies.length; first += BATCH_ROWS)
    for (const remedy of await repairBatch(store, projection, remedies.slice(first, first + BATCH_ROWS)))
      applied.add(remedy);
  return applied;
}

async function repairBatch(
  store: Store,
  projection: Projection,
  remedies: readonly Remedy[],
): Promise<readonly Remedy[]> {
  const { client, db, live } = store;
  for (let failures = 0; ; failures++) {
    const target = { projection: projection.name, collection: live.of(projection) };
    try {
      await live.forWriting();
      let applied: Remedy[] = [];
      await transact(client, async (session) => {
        // First of all: it writes all the time, and whoever is first in a transaction makes the other one try again.
        if (projection.mode === 'async') await shutOutProjector(db, projection.name, session);
        applied = await unchanged(store, target.collection, remedies, session);
        if (applied.length > 0) await writeInto(db, target, applied.flatMap(operationsOf), { session });
      });
      return applied;
    } catch (error) {
      if (error instanceof RowsSealed) await live.moved(projection.name, target.collection);
      else if (!isPassing(error) && !isDuplicateKey(error)) throw error;
      if (failures >= TRIES) throw error;
      await backoff(failures, () => undefined);
    }
  }
}

/** Those whose row is as it was found. Who writes it before the transaction is over makes it fail. */
async function unchanged(
  { db }: Store,
  collection: string,
  remedies: readonly Remedy[],
  session: ClientSession,
): Promise<Remedy[]> {
  const stored = new Map<string, Uint8Array>();
  const found: unknown[] = await db
    .collection<Row>(collection)
    .find(byIds(remedies), { session, raw: true })
    .toArray();
  for (const bytes of found)
    if (bytes instanceof Uint8Array) stored.set(keyOf(BSON.deserialize(bytes)._id), bytes);
  return remedies.filter(({ id, seen }) => {
    const bytes = stored.get(keyOf(id));
    return bytes === undefined ? seen === null : seen !== null && sameBytes(bytes, seen);
  });
}

function operationsOf({ id, seen, expected }: Remedy): AnyBulkWriteOperation<Row>[] {
  const filter = byId(id);
  // Changed first: a seal stops that, and no delete.
  if (expected === null)
    return [{ updateOne: { filter, update: { $unset: { lastEvent: 1 } } } }, { deleteOne: { filter } }];
  if (seen === null) return [{ insertOne: { document: expected } }];
  const { lastSequence } = BSON.deserialize(seen);
  if (typeof lastSequence === 'number' && lastSequence < expected.lastSequence) return [put(expected)];
  // Who has the wrong row would take another one of the same sequence for the same row, unless it is gone between.
  return [{ deleteOne: { filter } }, { insertOne: { document: expected } }];
}

function byIds(remedies: readonly Remedy[]): Filter<Row> {
  return { _id: { $in: remedies.map(({ id }) => id) } } as Document as Filter<Row>;
}

function keyOf(id: unknown): string {
  return typeof id === 'string' ? id : BSON.EJSON.stringify({ id });
}

function byId(id: unknown): Filter<Row> {
  return { _id: id } as Document as Filter<Row>;
}
