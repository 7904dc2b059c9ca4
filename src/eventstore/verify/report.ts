import { BSON } from 'mongodb';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import { type Diagnosis, diagnose } from './diagnose.ts';
import type { Finding, FindingPlace, RowFinding, StreamFinding } from './finding.ts';
import { repairRows } from './repair.ts';
import { bytesOf, sameRow } from './row-difference.ts';
import type { Suspect } from './suspect.ts';
import type { Tally } from './tally.ts';

/** Streams read at once. */
const AT_ONCE = 4;
/** How often a row is repaired that somebody else has changed in between. */
const REPAIRS = 5;

export interface ReportOptions {
  readonly store: ReadModels;
  readonly projection: Projection;
  readonly tally: Tally;
  /** Whether wrong rows are repaired before they are reported. */
  readonly repair: boolean;
  /** Called for everything that is wrong, once it is certain. */
  onFinding(finding: Finding, repaired: boolean): void;
}

/** A suspect whose row is wrong for certain. */
interface Found {
  readonly suspect: Suspect;
  readonly diagnosis: Diagnosis;
  readonly finding: RowFinding;
}

/**
 * Diagnoses suspects one by one, repairs their rows where that is wanted, and reports what is wrong with them.
 * @param isProjected false: the projector makes no progress. A row may then be behind, or not there yet, for want of it,
 *   and is counted as behind instead of being reported.
 */
export async function reportSuspects(
  options: ReportOptions,
  suspects: readonly Suspect[],
  isProjected: boolean,
): Promise<void> {
  const { tally } = options;
  const found: Found[] = [];
  for (const [suspect, diagnosis] of await diagnoseAll(options, suspects)) {
    const { finding, faults, isNewer } = diagnosis;
    if (isNewer) tally.newer();
    if (!isProjected && (finding?.kind === 'stale' || finding?.kind === 'missing')) {
      tally.behind(1);
      continue;
    }
    count(tally, diagnosis);
    for (const fault of faults) report(options, suspect, fault, false);
    if (finding !== undefined) found.push({ suspect, diagnosis, finding });
  }
  const repaired = options.repair ? await repairFound(options, found) : new Set();
  for (const { suspect, finding } of found) report(options, suspect, finding, repaired.has(suspect));
}

async function diagnoseAll(
  { store, projection }: ReportOptions,
  suspects: readonly Suspect[],
): Promise<[Suspect, Diagnosis][]> {
  const diagnoses: [Suspect, Diagnosis][] = [];
  const left = suspects.values();
  const work = async (): Promise<void> => {
    for (const suspect of left) diagnoses.push([suspect, await diagnose(store, projection, suspect)]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return diagnoses;
}

/** Takes the row into the checksums. */
function count(tally: Tally, { finding, repair: { found, expected } }: Diagnosis): void {
  const right = expected === null ? null : bytesOf(expected);
  if (finding !== undefined) tally.differs(found, right);
  // A row of which nobody can say what it should be counts as it was found.
  else if (found !== null) tally.right(right !== null && sameRow(found, right) ? right : found);
}

function report(
  { projection, tally, onFinding }: ReportOptions,
  { id }: Suspect,
  finding: RowFinding | StreamFinding,
  repaired: boolean,
): void {
  const place: FindingPlace = {
    of: projection.name,
    row: typeof id === 'string' ? id : BSON.EJSON.stringify(id),
  };
  tally.finding(finding.kind, repaired);
  onFinding({ ...place, ...finding }, repaired);
}

/** Repairs rows that are still as they were found, and diagnoses the others again. @returns those that are right now */
async function repairFound(options: ReportOptions, found: readonly Found[]): Promise<Set<Suspect>> {
  const { store, projection } = options;
  const repaired = new Set<Suspect>();
  let left: readonly Omit<Found, 'finding'>[] = found;
  for (let round = 0; round < REPAIRS && left.length > 0; round++) {
    const applied = await repairRows(
      store,
      projection,
      left.map(({ diagnosis }) => diagnosis.repair),
    );
    const wrong: Omit<Found, 'finding'>[] = [];
    for (const { suspect, diagnosis } of left) {
      if (applied.has(diagnosis.repair)) {
        repaired.add(suspect);
        continue;
      }
      const again = await diagnose(store, projection, suspect);
      if (again.finding === undefined) repaired.add(suspect);
      else wrong.push({ suspect, diagnosis: again });
    }
    left = wrong;
  }
  return repaired;
}
