import { isDeepStrictEqual } from 'node:util';
import { type AnyBulkWriteOperation, UUID } from 'mongodb';
import { type StreamRef, streamKey } from '../aggregate.ts';
import { retry } from '../backoff.ts';
import type { StoredEvent } from '../event.ts';
import { readStream } from '../log/read.ts';
import { isSealError } from '../projection/generation/seal.ts';
import { shutOutProjector } from '../projection/projector-fence.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { mayWriteAgain, put, RowsSealed, writeInto } from '../projection/row-writes.ts';
import { fold, type Projection, type Row, rowId } from '../projection.ts';
import { transact } from '../transact.ts';

/** A row before and after it was rebuilt. */
export interface RebuiltRow<R extends Row = Row> {
  readonly before: R | null;
  /** Null where the stream makes no row; then there is none any more. */
  readonly after: R | null;
}

/** A stream folded up to a sequence. */
interface Folded<R extends Row> {
  readonly sequence: number;
  readonly row: R | null;
}

/** How often it is tried: races with writers of the same row are lost, and the database may be away. */
const TRIES = 40;

/**
 * Folds one row anew from its stream and writes it in place of whatever is there, while the gateways go on.
 * @param id the aggregate's, a UUID in text form
 * @throws what `evolve` throws at an event that cannot be folded; what MongoDB throws, after a minute of trying
 */
export async function rebuildRow<R extends Row>(
  store: ReadModels,
  projection: Projection<R>,
  tenantId: string,
  id: string,
): Promise<RebuiltRow<R>> {
  const stream = { tenantId, aggregateType: projection.aggregateType, aggregateId: id };
  // Before the transaction, whose time is short: inside it, only what has been added since is read.
  const base = await foldOn(projection, readStream(store, stream), { sequence: 0, row: null });
  return retry(
    async () => {
      const target = { projection: projection.name, collection: store.live.collectionOf(projection) };
      await store.live.beforeWriting([projection.name]);
      const rebuilt = await putInPlace(store, projection, stream, base, target);
      store.cache.delete(streamKey(stream));
      return rebuilt;
    },
    { when: (error) => mayWriteAgain(store.live, error), tries: TRIES },
  );
}

/** Reads log and row at one moment and writes the row; a writer who comes between makes the transaction fail. */
async function putInPlace<R extends Row>(
  store: ReadModels,
  projection: Projection<R>,
  stream: StreamRef,
  base: Folded<R>,
  target: RowsSealed['target'],
): Promise<RebuiltRow<R>> {
  const _id = rowId(stream.tenantId, stream.aggregateId);
  let rebuilt: RebuiltRow<R> = { before: null, after: null };
  await transact(store.client, async (session) => {
    // Without the store's read and write concerns: a transaction brings its own.
    const rows = store.db.collection<Row>(target.collection);
    const log = store.db.collection<StoredEvent>('events');
    // A write first: from here on it is the others who have to try again, however often they write this row.
    const before = (await rows
      .findOneAndUpdate({ _id }, { $unset: { lastEvent: 1 } }, { session })
      .catch((error: unknown) => {
        throw isSealError(error) ? new RowsSealed(target) : error;
      })) as R | null;
    const aggregateId = new UUID(stream.aggregateId);
    const added = log
      .find({ ...stream, aggregateId, sequence: { $gt: base.sequence } }, { session })
      .sort({ sequence: 1 })
      .map(store.registry.upcast);
    const { row: after } = await foldOn(projection, added, base);
    rebuilt = { before, after };
    // A seal stops no delete, but it has stopped the update above.
    const operation: AnyBulkWriteOperation<Row> =
      after === null ? { deleteOne: { filter: { _id } } } : put(after);
    await writeInto(store.db, target, [operation], { session });
    if (projection.mode === 'async' && !isDeepStrictEqual(before, after))
      await shutOutProjector(store.db, projection.name, session);
  });
  return rebuilt;
}

async function foldOn<R extends Row>(
  projection: Projection<R>,
  events: AsyncIterable<StoredEvent>,
  from: Folded<R>,
): Promise<Folded<R>> {
  let { sequence, row } = from;
  for await (const event of events) {
    row = fold(projection, row, event);
    sequence = event.sequence;
  }
  return { sequence, row };
}
