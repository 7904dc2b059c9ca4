/**
 * Verify: is every row of a read model what its stream makes it?
 *
 * In comes a read model (or an aggregate type without one) and what is wanted (verification.ts); out come findings
 * (finding.ts), one by one, and a report with counts and checksums (tally.ts). In this order:
 * 1. run.ts divides the streams into ranges and goes through them side by side.
 * 2. range.ts folds the streams of a range and compares them with the rows of the same range (rows.ts, in the same
 *    order). The two are read one after the other while others write, so a difference only makes a suspect (suspect.ts).
 * 3. orphans.ts finds rows that no stream can be behind: suspects, too.
 * 4. confirm.ts collects suspects: recheck.ts looks at many of them at one moment, and most turn out to be right.
 * 5. diagnose.ts reads each of the others whole, at one moment, and says what is wrong (row-difference.ts); report.ts
 *    reports it, after repair.ts has put the right row in place, where that is wanted.
 * job.ts runs what is due from time to time (due-run.ts), in one process of all; schedule.ts knows what that is.
 */

import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import { runVerification } from './run.ts';
import { OtherVersion, type VerifyOptions, type VerifyReport } from './verification.ts';

/**
 * Folds every stream of a read model from the log and compares it with its row. Gateways may serve and write meanwhile:
 * nothing is reported that was not wrong at one moment. Memory does not grow with the log.
 * @throws OtherVersion; NewerVersion where newer code has built the rows; what MongoDB throws, after a minute of trying
 */
export async function verifyProjection(
  store: ReadModels,
  projection: Projection,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  await store.live.refresh();
  const { version } = store.live.pointer(projection);
  const newer = store.live.newerRows(projection);
  if (newer !== undefined) throw newer;
  if (version !== projection.version) throw new OtherVersion(projection.name, version, projection.version);
  return runVerification(store, projection, options, true);
}

/** Looks for holes and doubles in the streams of an aggregate type that has no read model. */
export function verifyStreams(
  store: ReadModels,
  aggregateType: string,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const none: Projection = {
    name: aggregateType,
    version: 0,
    aggregateType,
    mode: 'inline',
    indexes: [],
    evolve: () => null,
  };
  return runVerification(store, none, options, false);
}

/** Aggregate types that no read model is folded from. */
export function aggregateTypesWithoutRows({
  registry,
  projections,
}: Pick<ReadModels, 'registry' | 'projections'>): string[] {
  const shown = new Set(projections.map(({ aggregateType }) => aggregateType));
  const all = new Set(registry.all.map(({ aggregateType }) => aggregateType));
  return [...all].filter((aggregateType) => !shown.has(aggregateType));
}
