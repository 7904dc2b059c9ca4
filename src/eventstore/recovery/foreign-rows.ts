import type { UUID } from 'mongodb';
import type { ReadModels } from '../projection/read-models.ts';
import { type Projection, type Row, rowId } from '../projection.ts';

/** What of a row tells whether it is of this log. */
interface RowHead {
  readonly _id: unknown;
  readonly lastSequence?: unknown;
  readonly lastEvent?: { readonly _id?: unknown };
}

/** Rows looked at together: their heads are kept in memory. */
const BATCH_ROWS = 1_000;

/**
 * Finds the rows whose last event is not in this log at the place where the row says that it is: those ahead of their
 * stream, those of a stream that does not exist, and those of a stream that went on otherwise. An event is never changed
 * and stands on its predecessors, so a row with the right last event is the fold of this log; it may be behind.
 * @returns their `_id`s, a batch at a time
 */
export async function* foreignRows(store: ReadModels, projection: Projection): AsyncGenerator<unknown[]> {
  const rows = store.db.collection<Row>(store.live.collectionOf(projection), {
    readConcern: { level: 'majority' },
  });
  const heads = rows.find<RowHead>(
    {},
    { projection: { lastSequence: 1, 'lastEvent._id': 1 }, batchSize: BATCH_ROWS },
  );
  try {
    while (await heads.hasNext()) yield await foreignOf(store, projection, heads.readBufferedDocuments());
  } finally {
    await heads.close();
  }
}

/** The rows are read before the log: an event that is written between comes with its row, and is found. */
export async function foreignOf(
  { events }: Pick<ReadModels, 'events'>,
  { aggregateType }: Projection,
  heads: readonly RowHead[],
): Promise<unknown[]> {
  const ids = heads.flatMap(({ lastEvent }) => (isEventId(lastEvent?._id) ? [lastEvent._id] : []));
  const found = events.find(
    { _id: { $in: ids } },
    { projection: { tenantId: 1, aggregateType: 1, aggregateId: 1, sequence: 1 } },
  );
  const places = new Map<string, { readonly row: string; readonly sequence: number }>();
  for await (const event of found)
    if (event.aggregateType === aggregateType)
      places.set(event._id.toString(), {
        row: rowId(event.tenantId, event.aggregateId.toString()),
        sequence: event.sequence,
      });
  return heads
    .filter(({ _id, lastSequence, lastEvent }) => {
      const place = isEventId(lastEvent?._id) ? places.get(lastEvent._id.toString()) : undefined;
      return place === undefined || place.row !== _id || place.sequence !== lastSequence;
    })
    .map(({ _id }) => _id);
}

function isEventId(id: unknown): id is UUID {
  return typeof id === 'object' && id !== null && 'sub_type' in id;
}
