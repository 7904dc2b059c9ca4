import { repeat } from '../backoff.ts';
import { newId } from '../ids.ts';
import { acquireLease, type Lease, whileHeld } from '../lease.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { runDue } from './due-run.ts';
import { awaitFirstRuns, dueRuns, lastRuns, type VerifyRun } from './schedule.ts';
import { aggregateTypesWithoutRows } from './verify.ts';

/** Called by the job, to be measured. Every call is cheap and never throws. */
export interface VerifyObserver {
  /** So many events more were folded. */
  checked(of: string, events: number): void;
  /** The last run, whichever process made it. */
  ran(run: VerifyRun): void;
}

export interface VerifyJobOptions {
  /** From the end of one run of a read model to the beginning of the next, in ms. */
  readonly everyMs: number;
  readonly eventsPerSecond: number;
  readonly observer?: VerifyObserver;
  /** How often it looks whether anything is due, in ms. */
  readonly lookMs?: number;
}

export interface VerifyJob {
  /** Ends a run that is going on; it begins again, here or elsewhere. */
  stop(): Promise<void>;
}

const LOOK_MS = 60_000;
/** How long a process that died keeps others waiting, in ms. */
const LEASE_MS = 30_000;
const LEASE = 'verify';
/**
 * Verifies every read model from time to time, in one process of all. It repairs nothing: people should know first that
 * something is wrong.
 */
export function startVerifying(store: ReadModels, options: VerifyJobOptions): VerifyJob {
  const { everyMs, eventsPerSecond, observer, lookMs = LOOK_MS } = options;
  const { db, log } = store;
  const names = [...store.projections.map(({ name }) => name), ...aggregateTypesWithoutRows(store)];
  const holder = `${store.producerId}/${newId()}`;
  const stopping = new AbortController();

  const look = async (): Promise<void> => {
    await awaitFirstRuns(db, names);
    if ((await dueRuns(db, names, everyMs)).length > 0) {
      const lease = await acquireLease(db, LEASE, holder, LEASE_MS);
      if (lease !== null) await work(lease);
    }
    for (const run of await lastRuns(db, names)) observer?.ran(run);
  };

  const work = async (lease: Lease): Promise<void> => {
    const verifyDue = async (lost: AbortSignal): Promise<void> => {
      const signal = AbortSignal.any([stopping.signal, lost]);
      // Asked again: another process may just have ended.
      for (const name of await dueRuns(db, names, everyMs))
        if (!signal.aborted)
          await runDue(store, name, {
            eventsPerSecond,
            by: holder,
            signal,
            onEvents: (events) => observer?.checked(name, events),
          });
    };
    try {
      await whileHeld(lease, verifyDue, (err) =>
        log.warn({ err }, 'the lease to verify could not be renewed; trying again'),
      );
    } finally {
      await lease.release();
    }
  };

  const running = repeat(look, lookMs, stopping.signal, (error) =>
    log.warn({ err: error }, 'the read models could not be verified; trying again later'),
  );
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
