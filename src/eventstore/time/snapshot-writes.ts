import { type Db, MongoBulkWriteError } from 'mongodb';
import { isDuplicateKey } from '../faults.ts';
import type { Registry } from '../registry.ts';
import type { StoreObserver } from '../store-observer.ts';
import { type Milestone, snapshotOf, snapshotsOf } from './snapshots.ts';

/** Writes snapshots of these folds, which are in the log. */
export type WriteSnapshots = (milestones: readonly Milestone[]) => Promise<void>;

export function openSnapshotWrites(
  db: Db,
  registry: Pick<Registry, 'kindsOf'>,
  observer: StoreObserver,
): WriteSnapshots {
  const snapshots = snapshotsOf(db);
  return async (milestones) => {
    const ready = milestones
      .map((milestone) => snapshotOf(milestone, registry.kindsOf(milestone.aggregate.type)))
      .filter((snapshot) => snapshot !== undefined);
    if (ready.length === 0) return;
    try {
      await snapshots.insertMany(ready, { ordered: false, ignoreUndefined: true });
    } catch (error) {
      // Another process was there first, with the same.
      if (!(error instanceof MongoBulkWriteError) || !isDuplicateKey(error)) throw error;
    }
    observer.snapshots('written', ready.length);
  };
}
