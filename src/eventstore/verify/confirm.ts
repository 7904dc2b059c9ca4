import type { Timestamp } from 'mongodb';
import { awaitProjector } from './await-projector.ts';
import { type Recheck, recheck } from './recheck.ts';
import { type ReportOptions, reportSuspects } from './report.ts';
import type { Suspect } from './suspect.ts';

/** Suspects rechecked together: they are kept in memory, each with its row. */
const BATCH = 200;

export interface ConfirmationOptions extends ReportOptions {
  /** How long a projector without progress is waited for, in ms. */
  readonly patienceMs: number;
}

/** Sorts out the suspects that are right after all, and reports what is wrong with the others. */
export interface Confirmation {
  add(suspect: Suspect): Promise<void>;
  /** Confirms those that are left. */
  end(): Promise<void>;
}

/**
 * A suspect is rechecked at one moment together with others. One that is merely behind its projector is rechecked once
 * more when that has come as far as the log was. Those that are still suspicious are diagnosed one by one.
 */
export function openConfirmation(options: ConfirmationOptions): Confirmation {
  const { store, projection, tally, patienceMs } = options;
  let waiting: Suspect[] = [];
  let behind: Suspect[] = [];
  let behindAt: Timestamp | undefined;
  let isIdle = false;

  const check = async (suspects: readonly Suspect[]): Promise<Recheck> => {
    const checked = await recheck(store, projection, suspects);
    for (const row of checked.right) tally.right(row);
    await reportSuspects(options, checked.suspicious, true);
    return checked;
  };

  /** Sets those aside that their projector may yet catch up with. */
  const checkWaiting = async (): Promise<void> => {
    const suspects = waiting;
    waiting = [];
    const checked = await check(suspects);
    behind.push(...checked.behind);
    if (checked.behind.length > 0 && behindAt?.greaterThan(checked.at) !== true) behindAt = checked.at;
    if (behind.length >= BATCH) await checkBehind();
  };

  const checkBehind = async (): Promise<void> => {
    const [suspects, at] = [behind, behindAt];
    [behind, behindAt] = [[], undefined];
    if (suspects.length === 0 || at === undefined) return;
    // A projector that makes no progress is waited for once: the next suspects would only wait as long, each time.
    const isProjected = await awaitProjector(store, projection, at, isIdle ? 0 : patienceMs);
    isIdle = !isProjected;
    const checked = await check(suspects);
    await reportSuspects(options, checked.behind, isProjected);
  };

  return {
    async add(suspect) {
      waiting.push(suspect);
      if (waiting.length >= BATCH) await checkWaiting();
    },
    async end() {
      if (waiting.length > 0) await checkWaiting();
      await checkBehind();
    },
  };
}
