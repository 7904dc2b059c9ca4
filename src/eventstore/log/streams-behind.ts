import type { Timestamp } from 'mongodb';
import { STREAM_INDEX, type StreamOfRow } from '../aggregate.ts';
import { type Projection, type Row, rowId } from '../projection.ts';
import type { Log } from './log.ts';

/** A stream as the log has it. */
interface Tip {
  readonly _id: { readonly tenantId: string; readonly aggregateId: { toString(): string } };
  readonly last: number;
}

/** Streams compared with their rows in one query. */
const CHUNK = 500;

/** The last sequence of every stream of a kind: answered by the stream index alone, without reading an event. */
export function tipsPipeline(aggregateType: string): object[] {
  return [
    { $match: { aggregateType } },
    {
      $group: {
        _id: { tenantId: '$tenantId', aggregateId: '$aggregateId' },
        last: { $max: '$sequence' },
      },
    },
  ];
}

/**
 * Finds the streams whose rows are behind the log, a chunk at a time.
 * @param notBefore everything committed until then is looked at
 * @param collection where the rows are: asked for each chunk, since they may move
 */
export async function* streamsBehind(
  { client, db, events }: Pick<Log, 'client' | 'db' | 'events'>,
  { aggregateType }: Projection,
  notBefore: Timestamp,
  collection: () => string,
): AsyncGenerator<StreamOfRow[]> {
  // Waits until a majority has what was committed at that moment; a plain majority read might be a little older.
  const session = client.startSession({ causalConsistency: true });
  session.advanceOperationTime(notBefore);
  try {
    const tips = events.aggregate<Tip>(tipsPipeline(aggregateType), {
      session,
      hint: STREAM_INDEX,
      allowDiskUse: true,
      batchSize: CHUNK,
    });
    while (await tips.hasNext()) {
      const chunk = tips.readBufferedDocuments(CHUNK);
      const ids = chunk.map(({ _id: { tenantId, aggregateId } }) => rowId(tenantId, aggregateId.toString()));
      const rows = db.collection<Row>(collection(), { readConcern: { level: 'majority' } });
      const stored = rows.find({ _id: { $in: ids } }).project<Row>({ lastSequence: 1 });
      const reached = new Map<string, number>();
      for await (const row of stored) reached.set(row._id, row.lastSequence);
      const behind = chunk.filter(({ last }, index) => (reached.get(ids[index] ?? '') ?? 0) < last);
      yield behind.map(({ _id: { tenantId, aggregateId } }) => ({
        tenantId,
        aggregateId: aggregateId.toString(),
      }));
    }
  } finally {
    await session.endSession();
  }
}
