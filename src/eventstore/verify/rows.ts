import type { Filter } from 'mongodb';
import { comparePlaces, type StreamPlace, type StreamRange } from '../log/ranges.ts';
import { readAhead } from '../log/replay.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection, Row } from '../projection.ts';

/** A row as it is stored. */
export interface StoredRow {
  readonly id: string;
  /** The stream that it should be the fold of. */
  readonly place: StreamPlace;
  readonly bytes: Uint8Array;
}

/** Rows in the order of the streams they belong to. */
export interface RowReader {
  /** The next row; undefined once there is none. */
  readonly current: StoredRow | undefined;
  next(): Promise<void>;
  close(): Promise<void>;
}

/** The character after the slash that ends the tenant in a row's `_id`. */
const AFTER_SLASH = '0';

/** The `_id`s of a tenant's rows: from the first (included) to the second (excluded). */
export function idsOfTenant(tenantId: string): readonly [from: string, to: string] {
  return [`${tenantId}/`, `${tenantId}${AFTER_SLASH}`];
}

/**
 * Opens the rows that belong to a range of streams. Within a tenant the order of `_id` is that of the stream index; among
 * tenants it is not, so tenants are read one after the other.
 * @param tenantIds those that the log knows, in its order
 */
export async function openRowReader(
  store: ReadModels,
  projection: Projection,
  tenantIds: readonly string[],
  range: StreamRange,
  batchRows: number,
): Promise<RowReader> {
  const batches = readRows(store, projection, tenantIds, range, batchRows);
  let batch: readonly StoredRow[] = [];
  let index = -1;
  const next = async (): Promise<void> => {
    index += 1;
    while (index >= batch.length) {
      const read = await batches.next();
      if (read.done === true) return;
      [batch, index] = [read.value, 0];
    }
  };
  await next();
  return {
    get current() {
      return batch[index];
    },
    next,
    close: async () => {
      await batches.return(undefined);
    },
  };
}

async function* readRows(
  store: ReadModels,
  projection: Projection,
  tenantIds: readonly string[],
  range: StreamRange,
  batchSize: number,
): AsyncGenerator<StoredRow[]> {
  for (const tenantId of tenantIds) {
    const filter = boundsOf(tenantId, range);
    if (filter === undefined) continue;
    const collection = store.db.collection<Row>(await store.live.collectionToRead(projection), {
      readConcern: { level: 'majority' },
    });
    const cursor = collection.find(filter, { raw: true, sort: { _id: 1 }, batchSize });
    for await (const batch of readAhead(cursor)) yield batch.map((bytes) => storedRow(tenantId, bytes));
  }
}

/** @returns undefined where the range has nothing of this tenant */
function boundsOf(tenantId: string, { from, to }: StreamRange): Filter<Row> | undefined {
  const tenant = { tenantId, aggregateId: '' };
  if (to !== undefined && comparePlaces(tenant, to) > 0) return undefined;
  if (from !== undefined && comparePlaces(tenant, { ...from, aggregateId: '' }) < 0) return undefined;
  const [first, behind] = idsOfTenant(tenantId);
  const least = from?.tenantId === tenantId ? first + from.aggregateId : first;
  const below = to?.tenantId === tenantId ? first + to.aggregateId : behind;
  return { _id: { $gte: least, $lt: below } };
}

function storedRow(tenantId: string, bytes: Uint8Array): StoredRow {
  const id = textIdOf(bytes);
  return { id, place: { tenantId, aggregateId: id.slice(tenantId.length + 1) }, bytes };
}

/** Where the text of the `_id` begins: behind the document's length, the type, the name and the text's own length. */
const ID_AT = 4 + 1 + '_id'.length + 1 + 4;

/** The `_id` of a row that has a text for one; the server keeps it in front. */
function textIdOf(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('utf8', ID_AT, ID_AT + buffer.readInt32LE(ID_AT - 4) - 1);
}
