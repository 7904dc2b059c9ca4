import { BSON, type Timestamp } from 'mongodb';
import type { Store } from '../command/store.ts';
import type { Projection } from '../projection.ts';
import { awaitProjector } from './await-projector.ts';
import { judge, type Verdict } from './diagnose.ts';
import type { Finding } from './finding.ts';
import { lookAgain } from './recheck.ts';
import { repairRows } from './repair.ts';
import { bytesOf, sameRow } from './row-difference.ts';
import type { Suspect } from './suspect.ts';
import type { Tally } from './tally.ts';

/** Suspects looked at together: they are kept in memory, each with its row. */
const BATCH = 200;
/** Streams read at once. */
const JUDGES = 4;
/** How often a row is repaired that somebody else has changed in between. */
const REPAIRS = 5;

export interface SuspicionOptions {
  readonly tally: Tally;
  readonly repair: boolean;
  /** How long a projector without progress is waited for, in ms. */
  readonly patienceMs: number;
  /** Told of everything that is wrong, once it is certain. */
  onFinding(finding: Finding, repaired: boolean): void;
}

/** Clears suspects, or finds out what is wrong with them. */
export interface Suspicion {
  add(suspect: Suspect): Promise<void>;
  /** Looks at those that are left. */
  end(): Promise<void>;
}

export function openSuspicion(
  store: Store,
  projection: Projection,
  { tally, repair, patienceMs, onFinding }: SuspicionOptions,
): Suspicion {
  let waiting: Suspect[] = [];
  let behind: Suspect[] = [];
  let behindAt: Timestamp | undefined;
  let isIdle = false;

  const look = async (suspects: readonly Suspect[]) => {
    const found = await lookAgain(store, projection, suspects);
    for (const row of found.right) tally.right(row);
    await convict(found.suspicious);
    return found;
  };

  /** Sets those aside that their projector may yet bring level. */
  const lookAgainAt = async (suspects: readonly Suspect[]): Promise<void> => {
    const found = await look(suspects);
    behind.push(...found.behind);
    if (found.behind.length > 0 && behindAt?.greaterThan(found.at) !== true) behindAt = found.at;
    if (behind.length >= BATCH) await lookAtBehind();
  };

  const lookAtBehind = async (): Promise<void> => {
    const [suspects, at] = [behind, behindAt];
    [behind, behindAt] = [[], undefined];
    if (suspects.length === 0 || at === undefined) return;
    // It is waited for once: the next ones would only wait as long, each time.
    const level = await awaitProjector(store, projection, at, isIdle ? 0 : patienceMs);
    isIdle = !level;
    const found = await look(suspects);
    await convict(found.behind, level);
  };

  /** @param level false: what is behind may be so for want of a projector, and nothing can be said of that */
  const convict = async (suspects: readonly Suspect[], level = true): Promise<void> => {
    const convicted: Conviction[] = [];
    for (const [suspect, verdict] of await judgeAll(suspects)) {
      const kind = verdict.finding?.kind;
      if (!level && (kind === 'stale' || kind === 'missing')) {
        tally.behind(1);
        continue;
      }
      note(verdict);
      for (const fault of verdict.faults) name(suspect, fault, false);
      if (verdict.finding !== undefined) convicted.push({ suspect, verdict });
    }
    const mended = repair ? await mend(convicted) : new Set();
    for (const { suspect, verdict } of convicted)
      if (verdict.finding !== undefined) name(suspect, verdict.finding, mended.has(suspect));
  };

  const judgeAll = async (suspects: readonly Suspect[]): Promise<[Suspect, Verdict][]> => {
    const verdicts: [Suspect, Verdict][] = [];
    const left = suspects.values();
    const work = async (): Promise<void> => {
      for (const suspect of left) verdicts.push([suspect, await judge(store, projection, suspect)]);
    };
    await Promise.all(Array.from({ length: JUDGES }, work));
    return verdicts;
  };

  const note = ({ finding, remedy: { seen, expected } }: Verdict): void => {
    const right = expected === null ? null : bytesOf(expected);
    if (finding !== undefined) tally.differs(seen, right);
    // A row of which nobody can say what it should be counts as it was found.
    else if (seen !== null) tally.right(right !== null && sameRow(seen, right) ? right : seen);
  };

  const name = (suspect: Suspect, what: OmitPlace<Finding>, repaired: boolean): void => {
    const { id } = suspect;
    const row = typeof id === 'string' ? id : BSON.EJSON.stringify(id);
    tally.finding(what.kind, repaired);
    onFinding({ of: projection.name, row, ...what }, repaired);
  };

  /** Repairs what is still as it was found, and looks again at what is not. */
  const mend = async (convicted: readonly Conviction[]): Promise<Set<Suspect>> => {
    const mended = new Set<Suspect>();
    let left = [...convicted];
    for (let round = 0; round < REPAIRS && left.length > 0; round++) {
      const applied = await repairRows(
        store,
        projection,
        left.map(({ verdict }) => verdict.remedy),
      );
      const again: Conviction[] = [];
      for (const one of left) {
        if (applied.has(one.verdict.remedy)) mended.add(one.suspect);
        else again.push({ ...one, verdict: await judge(store, projection, one.suspect) });
      }
      for (const { suspect, verdict } of again) if (verdict.finding === undefined) mended.add(suspect);
      left = again.filter(({ verdict }) => verdict.finding !== undefined);
    }
    return mended;
  };

  return {
    async add(suspect) {
      waiting.push(suspect);
      if (waiting.length < BATCH) return;
      const suspects = waiting;
      waiting = [];
      await lookAgainAt(suspects);
    },
    async end() {
      const suspects = waiting;
      waiting = [];
      if (suspects.length > 0) await lookAgainAt(suspects);
      await lookAtBehind();
    },
  };
}

interface Conviction {
  readonly suspect: Suspect;
  readonly verdict: Verdict;
}

type OmitPlace<T> = T extends unknown ? Omit<T, 'of' | 'row'> : never;
