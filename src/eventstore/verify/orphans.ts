import type { Filter } from 'mongodb';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection, Row } from '../projection.ts';
import { idsOfTenant } from './rows.ts';

/** Rows given at a time. */
const BATCH_ROWS = 500;

/**
 * Finds the rows that no stream of these tenants can be behind: rows of other tenants, or with an `_id` that names no
 * stream. The index on `_id` leaps over the rows of a known tenant.
 * @returns their `_id`s, whatever these are
 */
export async function* orphanIds(
  store: ReadModels,
  projection: Projection,
  tenantIds: readonly string[],
): AsyncGenerator<unknown[]> {
  const known = new Set(tenantIds);
  const rows = store.db.collection<Row>(await store.live.collectionToRead(projection), {
    readConcern: { level: 'majority' },
  });
  const idsBetween = async function* (filter: Filter<Row>, bounds: { min?: object; max?: object } = {}) {
    const cursor = rows.find<{ _id: unknown }>(filter, {
      ...bounds,
      projection: { _id: 1 },
      hint: { _id: 1 },
      sort: { _id: 1 },
      batchSize: BATCH_ROWS,
    });
    while (await cursor.hasNext()) yield cursor.readBufferedDocuments().map(({ _id }) => _id);
  };
  // A comparison of `_id` with a text finds only texts; bounds of the index also find what stands before and after them.
  yield* idsBetween({}, { max: { _id: '' } });
  yield* idsBetween({}, { min: { _id: {} } });
  let after: Filter<Row> = { _id: { $gte: '' } };
  for (;;) {
    const row = await rows.findOne(after, { projection: { _id: 1 }, sort: { _id: 1 } });
    if (row === null) return;
    const slash = row._id.indexOf('/');
    if (slash === -1) {
      yield [row._id];
      after = { _id: { $gt: row._id } };
      continue;
    }
    const tenantId = row._id.slice(0, slash);
    const [first, behind] = idsOfTenant(tenantId);
    if (!known.has(tenantId)) yield* idsBetween({ _id: { $gte: first, $lt: behind } });
    after = { _id: { $gte: behind } };
  }
}
