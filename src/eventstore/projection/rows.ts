import type { Document, Filter } from 'mongodb';
import { type Projection, type Row, rowId } from '../projection.ts';
import type { ReadModels } from './read-models.ts';

/** A filter over a read model's own fields, in MongoDB's query language. */
export type RowFilter = Readonly<Record<string, unknown>>;

/** A read model as one tenant sees it. */
export interface TenantRows<R extends Row> {
  byId(id: string): Promise<R | null>;
  /** In the order of `ids`, null where there is none. */
  byIds(ids: readonly string[]): Promise<(R | null)[]>;
  find(filter: RowFilter, page: { sort: Readonly<Record<string, 1 | -1>>; limit: number }): Promise<R[]>;
  count(filter: RowFilter): Promise<number>;
  /** An aggregation over the tenant's rows; the match on the tenant is put in front. */
  aggregate<T extends Document>(pipeline: readonly Document[]): Promise<T[]>;
}

/** Binds a read model to a tenant: the one way to read rows on a client's behalf. */
export function rowsOf<R extends Row>(
  store: ReadModels,
  tenantId: string,
  projection: Projection<R>,
): TenantRows<R> {
  const open = async () => {
    const collection = await store.live.collectionToRead(projection);
    return store.db.collection<R>(collection, { readConcern: { level: 'majority' } });
  };
  const bound = (filter: RowFilter): Filter<R> => ({ $and: [{ tenantId }, filter] }) as Filter<R>;
  const byIds = async (ids: readonly string[]): Promise<(R | null)[]> => {
    const wanted = ids.map((id) => rowId(tenantId, id));
    const collection = await store.live.collectionToRead(projection);
    // The ids begin with the tenant, so no other tenant's rows are found, though all are read together.
    const found = await store.rowReads.byIds(collection, wanted);
    return wanted.map((id) => (found.get(id) as R | undefined) ?? null);
  };
  return {
    byIds,
    byId: async (id) => (await byIds([id]))[0] ?? null,
    find: async (filter, { sort, limit }) => {
      const rows = await open();
      return (await rows
        .find(bound(filter))
        .sort({ ...sort })
        .limit(limit)
        .toArray()) as R[];
    },
    count: async (filter) => (await open()).countDocuments(bound(filter)),
    aggregate: async <T extends Document>(pipeline: readonly Document[]) =>
      (await open()).aggregate<T>([{ $match: { tenantId } }, ...pipeline]).toArray(),
  };
}
