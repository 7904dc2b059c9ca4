import type { Timestamp } from 'mongodb';
import type { StreamOfRow } from '../aggregate.ts';
import type { Change } from '../change.ts';
import { type Changes, clusterNow, openChanges, type Signal } from '../changes.ts';
import type { StoredEvent } from '../event.ts';
import { newId } from '../ids.ts';
import { streamsBehind } from '../log/streams-behind.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { type Projection, rowId } from '../projection.ts';
import { openBuildingRows } from './building-rows.ts';
import { REBUILDS } from './progress.ts';

/** Catches rows that are built beside the live ones up with the log, as often as it is asked to. */
export interface CatchUp {
  /**
   * Everything committed until now is in the rows of `collection` when this resolves.
   * @throws what MongoDB throws, after a minute of trying
   */
  run(collection: string): Promise<void>;
  stop(): void;
}

const BATCH_EVENTS = 5_000;
/** @param from the log is followed from there on: what was committed before must be in the rows already */
export function openCatchUp(store: ReadModels, projection: Projection, from: Timestamp): CatchUp {
  const { db, log } = store;
  const { name } = projection;
  let collection = '';
  const rows = openBuildingRows(store, projection, () => collection);
  let changes: Changes | undefined;
  let at = from;

  /** Compares every stream with its row: where the changes since the replay are no longer to be had. */
  const startOver = async (): Promise<void> => {
    changes?.stop();
    changes = undefined;
    at = await clusterNow(db);
    for await (const streams of streamsBehind(store, projection, at, () => collection))
      if (streams.length > 0) await rows.catchUp(streams);
  };

  return {
    async run(where) {
      collection = where;
      // Before the mark, so that the stream does not begin behind it.
      changes ??= followLog(store, projection, at);
      const mark = newId();
      await putMark(store, projection, mark);
      for (;;) {
        const signal: Signal | null = await changes.next();
        if (signal === null) throw new Error('The catch-up was stopped.');
        if (signal.kind === 'lost') {
          log.warn({ err: signal.error, projection: name }, 'change history lost; comparing all streams');
          await startOver();
          changes = followLog(store, projection, at);
          await putMark(store, projection, mark);
          continue;
        }
        const streams = streamsOf(signal.changes);
        if (streams.length > 0) await rows.catchUp(streams);
        if (signal.changes.some(({ document }) => document?.mark === mark)) return;
      }
    },
    stop: () => changes?.stop(),
  };
}

function followLog({ db, log }: ReadModels, { aggregateType }: Projection, at: Timestamp): Changes {
  return openChanges(db, {
    // The second one for the marks, which tell how far the stream has come.
    collections: ['events', REBUILDS],
    operations: ['insert', 'replace'],
    where: { aggregateType },
    from: { at },
    log,
    batch: BATCH_EVENTS,
  });
}

/** Writes a document that the change stream shows as well: once it comes, everything committed before it has come. */
async function putMark({ db }: ReadModels, { name, aggregateType }: Projection, mark: string): Promise<void> {
  await db
    .collection<{ _id: string }>(REBUILDS, { writeConcern: { w: 'majority', journal: true } })
    .replaceOne({ _id: `${name}/mark` }, { aggregateType, mark }, { upsert: true });
}

/** The streams of these events, each once, and how far they reach. */
function streamsOf(changes: readonly Change[]): StreamOfRow[] {
  const streams = new Map<string, StreamOfRow>();
  for (const { collection, document } of changes) {
    if (collection !== 'events') continue;
    const { tenantId, aggregateId: id, sequence } = document as StoredEvent;
    const aggregateId = id.toString();
    // A stream's events come in the order of their sequence.
    streams.set(rowId(tenantId, aggregateId), { tenantId, aggregateId, sequence });
  }
  return [...streams.values()];
}
