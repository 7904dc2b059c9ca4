import type { Store } from '../../eventstore/command/store.ts';
import { projectionStatus } from '../../eventstore/projection/status.ts';
import type { Projection } from '../../eventstore/projection.ts';
import type { Finding } from '../../eventstore/verify/finding.ts';
import { verifyProjection } from '../../eventstore/verify/verify.ts';
import { count, type DrillReport } from '../report.ts';
import { until } from '../until.ts';

/** The rows are the folds of their streams, and there are so many. @returns how many there are */
export async function checkRows(
  store: Store,
  projection: Projection,
  expected: number,
  report: DrillReport,
): Promise<number> {
  const rows = await checkFolds(store, projection, report);
  if (rows !== expected)
    report.problem(`${projection.name} has ${rows} rows, where there are ${expected} streams.`);
  return rows;
}

/** Every read model comes to be level with the log, and no row differs from the fold of its stream. */
export async function checkVerified(store: Store, report: DrillReport): Promise<void> {
  let rows = 0;
  for (const projection of store.projections) {
    await until(async () => {
      const status = (await projectionStatus(store)).find(({ name }) => name === projection.name);
      return status?.state !== 'catching_up' && status?.lagMs === 0;
    });
    rows += await checkFolds(store, projection, report);
  }
  report.say(`compared ${count(rows)} rows with the fold of their streams`);
}

/** @returns how many rows were compared */
async function checkFolds(store: Store, projection: Projection, report: DrillReport): Promise<number> {
  const { rows, behind } = await verifyProjection(store, projection, {
    onFinding: (finding) => report.problem(`verify found ${describe(finding)}.`),
  });
  if (behind > 0) report.problem(`${behind} rows of ${projection.name} stayed behind the log.`);
  return rows;
}

function describe(finding: Finding): string {
  const fields = finding.kind === 'wrong' ? ` (${finding.fields.map(({ field }) => field).join(', ')})` : '';
  return `${finding.of} ${finding.row} ${finding.kind}${fields}`;
}
