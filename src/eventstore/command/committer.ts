import { turn } from '../backoff.ts';
import { commitTogether, insertTogether } from './group-writes.ts';
import type { CommitterParts, Unit, UnitResult } from './unit.ts';

/** Writes units; concurrent ones travel together (group commit, design section 5). */
export interface Committer {
  /**
   * Resolves once the unit is committed with `w: majority` and journaled. Rejects with the driver's error
   * otherwise; the unit may be committed all the same, which only reading it back tells.
   */
  commit(unit: Unit): Promise<void>;
  /** The same for many units, each with a result of its own, in order; never rejects. */
  commitAll(units: readonly Unit[]): Promise<readonly UnitResult[]>;
}

/** Events in one stroke to the database: bounded by what one reply should wait for, and far from 16 MB. */
export const GROUP_EVENTS = 1_000;

/** Opens the two kinds of group: events without rows by one insertMany, everything else by one transaction. */
export function openCommitter(parts: CommitterParts): Committer {
  const timed = (kind: 'insert' | 'transaction', write: typeof insertTogether): WriteGroup => {
    return async (units) => {
      const started = performance.now();
      const results = await write(parts, units);
      const events = units.reduce((sum, unit) => sum + unit.events.length, 0);
      parts.observer.committed(kind, units.length, events, (performance.now() - started) / 1_000);
      return results;
    };
  };
  // One group of each kind is on its way at a time: a second one splits what would have travelled together (measured
  // at c32: 0.7 to 1.0 times the rate).
  const inserts = openGroups(timed('insert', insertTogether));
  const transactions = openGroups(timed('transaction', commitTogether));
  const groupOf = (unit: Unit) => (isPlain(unit) ? inserts : transactions);
  return {
    async commit(unit) {
      const [result] = await groupOf(unit).submit([unit]);
      if (result?.ok !== true) throw result?.error;
    },
    async commitAll(units) {
      if (units.every(isPlain)) return inserts.submit(units);
      return (await Promise.all(units.map((unit) => groupOf(unit).submit([unit])))).flat();
    },
  };
}

/** True where no transaction is needed: no rows beside, and nothing that must not be written in part. */
function isPlain(unit: Unit): boolean {
  return unit.rows.length === 0 && (unit.divisible || unit.events.length === 1);
}

/** Writes a group. @returns each unit's result, in order; what it throws is every unit's error */
type WriteGroup = (units: readonly Unit[]) => Promise<readonly UnitResult[]>;

/** Gathers what arrives while the previous group is in flight, and sends it as the next. */
interface Groups {
  /** Resolves with each unit's own result, in order, once all of them have theirs. */
  submit(units: readonly Unit[]): Promise<readonly UnitResult[]>;
}

/** Units that were submitted together, and wait for their results together. */
interface Submission {
  readonly results: UnitResult[];
  left: number;
  readonly resolve: (results: readonly UnitResult[]) => void;
}

interface Waiting {
  readonly unit: Unit;
  readonly submission: Submission;
  readonly place: number;
}

const NO_RESULT: UnitResult = {
  ok: false,
  error: new Error('A group gave no result for one of its units.'),
};

/** Group commit without a timer: an idle group sends at once, a busy one lets its units gather. */
function openGroups(write: WriteGroup): Groups {
  let waiting: Waiting[] = [];
  let busy = false;

  /** As many as fit into a group; one that is larger than a group travels alone. */
  const takeGroup = (): Waiting[] => {
    let events = 0;
    const end = waiting.findIndex(({ unit }, index) => {
      events += unit.events.length;
      return index > 0 && events > GROUP_EVENTS;
    });
    const group = end === -1 ? waiting : waiting.slice(0, end);
    waiting = end === -1 ? [] : waiting.slice(end);
    return group;
  };

  const send = async (): Promise<void> => {
    for (;;) {
      // One turn of the event loop, so that all who are ready now travel at once.
      await turn();
      if (waiting.length === 0) break;
      const group = takeGroup();
      const results = await write(group.map(({ unit }) => unit)).catch((error: unknown) =>
        group.map((): UnitResult => ({ ok: false, error })),
      );
      for (const [index, { submission, place }] of group.entries())
        settle(submission, place, results[index] ?? NO_RESULT);
    }
    busy = false;
  };

  return {
    submit(units) {
      return new Promise((resolve) => {
        if (units.length === 0) return resolve([]);
        const submission: Submission = { results: [], left: units.length, resolve };
        for (const [place, unit] of units.entries()) waiting.push({ unit, submission, place });
        if (busy) return;
        busy = true;
        void send();
      });
    },
  };
}

function settle(submission: Submission, place: number, result: UnitResult): void {
  submission.results[place] = result;
  submission.left -= 1;
  if (submission.left === 0) submission.resolve(submission.results);
}
