import type { Collection, Db } from 'mongodb';
import type { FindingCounts } from './finding.ts';
import type { VerifyReport } from './verification.ts';

/** The last verification of a read model, or of a kind of streams without one. */
export interface VerifyRun {
  readonly _id: string;
  /** The next one is due so long after this moment, by the server's clock. */
  readonly restsSince: Date;
  /** Absent: there was none yet. */
  readonly last?: {
    readonly by: string;
    readonly events: number;
    readonly rows: number;
    readonly behind: number;
    readonly findings: FindingCounts;
    readonly checksums: VerifyReport['checksums'];
    readonly seconds: number;
  };
}

function runsOf(db: Db): Collection<VerifyRun> {
  return db.collection<VerifyRun>('projection_verifications', {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
}

/** Starts the wait for the first run of those that were never run; a restart does not start it again. */
export async function awaitFirstRuns(db: Db, names: readonly string[]): Promise<void> {
  const restsSince = { $ifNull: ['$restsSince', '$$NOW'] };
  await runsOf(db).bulkWrite(
    names.map((_id) => ({
      updateOne: { filter: { _id }, update: [{ $set: { restsSince } }], upsert: true },
    })),
    { ordered: false },
  );
}

/** The last runs of these, the oldest first. */
export function lastRuns(db: Db, names: readonly string[]): Promise<VerifyRun[]> {
  return runsOf(db)
    .find({ _id: { $in: [...names] } })
    .sort({ restsSince: 1 })
    .toArray();
}

/** Those whose last run was at least `everyMs` ago, the oldest first. */
export async function dueRuns(db: Db, names: readonly string[], everyMs: number): Promise<string[]> {
  const isDue = { $lte: [{ $add: ['$restsSince', everyMs] }, '$$NOW'] };
  const due = runsOf(db)
    .find({ _id: { $in: [...names] }, $expr: isDue })
    .sort({ restsSince: 1 });
  return (await due.toArray()).map(({ _id }) => _id);
}

export async function saveRun(db: Db, report: VerifyReport, by: string): Promise<void> {
  const { of, events, rows, behind, findings, checksums, seconds } = report;
  const last = { by, events, rows, behind, findings: { ...findings }, checksums, seconds };
  await runsOf(db).updateOne({ _id: of }, [{ $set: { restsSince: '$$NOW', last: { $literal: last } } }], {
    upsert: true,
  });
}
