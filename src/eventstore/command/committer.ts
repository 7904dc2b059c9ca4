import { MongoBulkWriteError, MongoServerError } from 'mongodb';
import { turn } from '../backoff.ts';
import { INSERT_LIMIT_MS } from '../log/horizon.ts';
import { toBeStamped } from '../log/stamp.ts';
import { NewerVersion } from '../newer.ts';
import { RowsSealed, writeRows } from '../projection/row-writes.ts';
import { transact } from '../transact.ts';
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

/**
 * Inserts events without rows, each unit for itself: one lost race costs nobody else anything. Units of one event
 * go unordered. Where a unit has several they go in order, since on one stream nothing may follow what failed
 * (S-01): the group stops at a failure, and goes on behind the unit that failed.
 */
async function insertTogether(
  { events }: CommitterParts,
  units: readonly Unit[],
): Promise<readonly UnitResult[]> {
  const results: UnitResult[] = units.map(() => ({ ok: true }));
  const ordered = units.some((unit) => unit.events.length > 1);
  for (let start = 0; start < units.length; ) {
    const rest = units.slice(start);
    const failures = await insertUnits(events, rest, ordered);
    for (const [index, error] of failures) results[start + index] = { ok: false, error };
    const [failed] = failures.keys();
    start = ordered && failed !== undefined ? start + failed + 1 : units.length;
  }
  return results;
}

/**
 * Inserts the events of all units at once.
 * @returns the errors of the units that failed, by their place
 * @throws what leaves open which of them are in the log
 */
async function insertUnits(
  events: CommitterParts['events'],
  units: readonly Unit[],
  ordered: boolean,
): Promise<Map<number, unknown>> {
  const failed = new Map<number, unknown>();
  try {
    await events.insertMany(
      units.flatMap((unit) => toBeStamped(unit.events)),
      { ordered, maxTimeMS: INSERT_LIMIT_MS },
    );
  } catch (error) {
    // A write concern error says that nothing is acknowledged yet: then everybody has to read back.
    if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined)
      throw error;
    const failures = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
    if (failures.length === 0) throw error;
    const owners = units.flatMap((unit, index) => unit.events.map(() => index));
    for (const failure of failures) failed.set(owners[failure.index] ?? 0, failure);
  }
  return failed;
}

/**
 * Commits a group of units in one transaction. Where that fails for a reason that may be one unit's own, they are
 * tried one by one, so that nobody pays for another's conflict.
 */
async function commitTogether(parts: CommitterParts, units: readonly Unit[]): Promise<readonly UnitResult[]> {
  try {
    await writeWhereRowsLive(parts, units);
    return units.map(() => ({ ok: true }));
  } catch (error) {
    if (units.length === 1) return [{ ok: false, error }];
    if (!(error instanceof MongoServerError || error instanceof NewerVersion)) throw error;
  }
  const results: UnitResult[] = [];
  for (const unit of units) results.push(...(await commitTogether(parts, [unit])));
  return results;
}

/** Writes events, and rows where they live. Where these move meanwhile, it waits for that and writes all of it again. */
async function writeWhereRowsLive(parts: CommitterParts, units: readonly Unit[]): Promise<void> {
  const { live } = parts;
  const names = new Set(units.flatMap(({ rows }) => rows.map(({ projection }) => projection)));
  for (;;) {
    // Each time: the rows may just have moved to where newer code has folded them.
    await live.beforeWriting(names);
    try {
      return await writeOnce(parts, units);
    } catch (error) {
      if (!(error instanceof RowsSealed)) throw error;
      const { projection, collection } = error.target;
      await live.awaitNext(projection, collection);
    }
  }
}

function writeOnce({ client, db, events, live }: CommitterParts, units: readonly Unit[]): Promise<void> {
  const documents = units.flatMap((unit) => toBeStamped(unit.events));
  const rows = units.flatMap((unit) => unit.rows);
  return transact(client, async (session) => {
    await events.insertMany(documents, { session });
    await writeRows(db, live, session, rows);
  });
}
