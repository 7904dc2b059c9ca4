import type { StreamOfRow } from '../aggregate.ts';
import { retry } from '../backoff.ts';
import { isDuplicateKey, isPassing } from '../faults.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { ChangedElsewhere, type RowChange, writeChanges } from '../projection/row-changes.ts';
import { openRowFolds } from '../projection/row-folds.ts';
import type { Projection } from '../projection.ts';
import { NewerRefused } from './refused.ts';

const CACHED_ROWS = 20_000;
/** How often a batch is tried while the database is away, for about a minute. */
const TRIES = 35;

/** The rows of a generation that is built. */
export interface BuildingRows {
  /**
   * Brings these streams' rows up to the log and writes them.
   * @throws NewerRefused where a newer version has recorded something meanwhile; what MongoDB throws, after a minute of trying
   */
  catchUp(streams: readonly StreamOfRow[]): Promise<void>;
}

/** @param collection where the rows are by now */
export function openBuildingRows(
  store: ReadModels,
  projection: Projection,
  collection: () => string,
): BuildingRows {
  const { name } = projection;
  let newer: string | undefined;
  const folds = openRowFolds({
    store,
    projection,
    collection,
    cachedRows: CACHED_ROWS,
    onPoison: (behind, err) => {
      newer ??= behind.newer;
      if (behind.newer !== undefined) return;
      store.log.error(
        { err, projection: name, behind },
        'an event cannot be folded; its rebuilt row stands before it',
      );
    },
  });
  return {
    async catchUp(streams) {
      let changes: readonly RowChange[] = [];
      const writeOnce = async (): Promise<void> => {
        changes = [];
        changes = await folds.catchUp(streams);
        if (newer !== undefined) throw new NewerRefused(name, newer);
        await writeChanges(store.db, { projection: name, collection: collection() }, changes);
        folds.written(changes);
      };
      await retry(writeOnce, {
        // A rebuild that this one has taken over from may still have written some rows: they are read again.
        when: (error) => {
          folds.forget(changes);
          return error instanceof ChangedElsewhere || isPassing(error) || isDuplicateKey(error);
        },
        tries: TRIES,
      });
    },
  };
}
