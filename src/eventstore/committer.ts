import type { Collection, Db, MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import type { StoredEvent } from './event.ts';
import { openGroups } from './groups.ts';
import { insertTogether } from './insert.ts';
import type { RowWrite } from './row-writes.ts';
import type { StoreObserver } from './store.ts';
import { commitTogether } from './transaction.ts';

/** What must be committed whole or not at all: one command's events, or a run of them on one stream. */
export interface Unit {
  readonly events: readonly StoredEvent[];
  /** The inline rows, one write per event, in order. */
  readonly rows: readonly RowWrite[];
}

/** Writes units; concurrent ones travel together (group commit, design section 5). */
export interface Committer {
  /**
   * Resolves once the unit is committed with `w: majority` and journaled. Rejects with the driver's error
   * otherwise; the unit may be committed all the same, which only reading it back tells.
   */
  commit(unit: Unit): Promise<void>;
}

export interface CommitterParts {
  readonly client: MongoClient;
  readonly db: Db;
  readonly events: Collection<StoredEvent>;
  readonly log: Logger;
  readonly observer: StoreObserver;
}

/** Events in one stroke to the database: bounded by what one reply should wait for, and far from 16 MB. */
export const GROUP_EVENTS = 1_000;

/** Opens the two kinds of group: lone events by one insertMany, everything else by one transaction. */
export function openCommitter(parts: CommitterParts): Committer {
  const { observer } = parts;
  const weight = (unit: Unit): number => unit.events.length;
  const timed =
    (kind: 'insert' | 'transaction', write: typeof insertTogether) => async (units: readonly Unit[]) => {
      const started = performance.now();
      const results = await write(parts, units);
      const events = units.reduce((sum, unit) => sum + unit.events.length, 0);
      observer.committed(kind, units.length, events, (performance.now() - started) / 1_000);
      return results;
    };
  const inserts = openGroups(timed('insert', insertTogether), weight, GROUP_EVENTS);
  const transactions = openGroups(timed('transaction', commitTogether), weight, GROUP_EVENTS);
  return {
    commit(unit) {
      const lone = unit.events.length === 1 && unit.rows.length === 0;
      return (lone ? inserts : transactions).submit(unit);
    },
  };
}
