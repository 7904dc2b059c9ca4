import type { Collection, Db, MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import type { StoredEvent } from './event.ts';
import { openGroups } from './groups.ts';
import { insertTogether } from './insert.ts';
import type { RowWrite } from './row-writes.ts';
import type { StoreObserver } from './store.ts';
import { commitTogether } from './transaction.ts';

/** One command's events, committed whole or not at all, or a run of commands on one stream. */
export interface Unit {
  readonly events: readonly StoredEvent[];
  /** The inline rows, one write per event, in order. */
  readonly rows: readonly RowWrite[];
  /** True where each event is a command of its own, so that a beginning of the unit may be written without the rest. */
  readonly divisible: boolean;
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

/**
 * Groups of each kind on their way at once. More than one splits what would have travelled together: measured at
 * c32, two gave 0.7 to 1.0 times the rate of one.
 */
const IN_FLIGHT = 1;

/** Opens the two kinds of group: events without rows by one insertMany, everything else by one transaction. */
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
  const inserts = openGroups(timed('insert', insertTogether), weight, GROUP_EVENTS, IN_FLIGHT);
  const transactions = openGroups(timed('transaction', commitTogether), weight, GROUP_EVENTS, IN_FLIGHT);
  return {
    commit(unit) {
      const plain = unit.rows.length === 0 && (unit.divisible || unit.events.length === 1);
      return (plain ? inserts : transactions).submit(unit);
    },
  };
}
