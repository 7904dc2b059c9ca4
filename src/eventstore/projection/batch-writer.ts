import { MongoServerError } from 'mongodb';
import type { StreamOfRow } from '../aggregate.ts';
import { retry } from '../backoff.ts';
import { NewerVersion } from '../newer.ts';
import { commitBatch } from './batch-commit.ts';
import { behindAt, listedBehind } from './behind.ts';
import { type CheckpointChanges, FencedOut, saveCheckpoint } from './checkpoint.ts';
import type { ProjectorTask } from './projector-task.ts';
import type { RowChange } from './row-changes.ts';
import { openRowFolds } from './row-folds.ts';

/** Tries of a batch before its rows are tried one by one: one of them may be what the database refuses. */
const TRIES_TOGETHER = 5;

/** Writes the rows of one read model, a batch at a time, together with how far it has come. */
export interface BatchWriter {
  /**
   * Brings these streams' rows up to the log and saves `progress` with them. Resolves when both are in, or when it is
   * stopped: whatever fails is tried again, from rows that are read anew.
   * @throws FencedOut when another projector has taken over; NewerVersion when newer code has built the rows
   */
  write(streams: readonly StreamOfRow[], progress: CheckpointChanges): Promise<void>;
  /** The rows that cannot be folded on or written, as a checkpoint stores them. */
  behind(): Pick<CheckpointChanges, 'behind' | 'moreBehind'>;
  /** From now on no row is folded on before its events were looked through: newer code may have folded it. */
  mistrustRows(): void;
  /** Ends the tries. */
  stop(): void;
  /** Aborted once it is stopped. */
  readonly stopped: AbortSignal;
}

export function openBatchWriter({ store, projection, fence, limits, observer }: ProjectorTask): BatchWriter {
  const { db, log } = store;
  const { name } = projection;
  let mistrusted = false;
  const folds = openRowFolds({
    store,
    projection,
    collection: () => store.live.collectionOf(projection),
    cachedRows: limits.cachedRows,
    mistrusted: () => mistrusted,
    onPoison(behind, error) {
      // That was noted; a projector of the newer version will take over.
      if (behind.newer !== undefined) return;
      log.error(
        { err: error, projection: name, behind },
        'an event cannot be folded; its row stays as it was',
      );
      observer.poisoned(name);
    },
  });
  const stopping = new AbortController();

  const attempt = async (changes: readonly RowChange[], progress: CheckpointChanges, oneByOne: boolean) => {
    if (oneByOne) {
      for (const change of changes) await writeOne(change);
      await saveCheckpoint(db, name, fence, { ...progress, ...listedBehind(folds.behind) });
    } else {
      await commitBatch(store, projection, fence, changes, { ...progress, ...listedBehind(folds.behind) });
      folds.written(changes);
    }
  };

  /** Writes a row alone; one that the database refuses is left behind. */
  const writeOne = async (change: RowChange): Promise<void> => {
    try {
      await commitBatch(store, projection, fence, [change], {});
      folds.written([change]);
    } catch (error) {
      const event = change.row?.lastEvent;
      const isRefused =
        error instanceof MongoServerError && !error.hasErrorLabel('TransientTransactionError');
      if (!isRefused || event === undefined) throw error;
      folds.behind.set(change.id, behindAt(change.id, event, error));
      log.error(
        { err: error, projection: name, row: change.id },
        'a row cannot be written; it stays as it was',
      );
      observer.poisoned(name);
    }
  };

  return {
    async write(streams, progress) {
      let changes: RowChange[] = [];
      await retry(
        async (failures) => {
          changes = [];
          changes = await folds.catchUp(streams);
          await attempt(changes, progress, failures >= TRIES_TOGETHER);
        },
        {
          when: (error, failures) => {
            if (error instanceof FencedOut || error instanceof NewerVersion) return false;
            folds.forget(changes);
            log.warn({ err: error, projection: name, failures }, 'rows could not be written; trying again');
            observer.retried(name);
            return true;
          },
          signal: stopping.signal,
        },
      );
    },
    behind: () => listedBehind(folds.behind),
    mistrustRows() {
      mistrusted = true;
    },
    stop() {
      stopping.abort();
    },
    stopped: stopping.signal,
  };
}
