import { pause } from '../backoff.ts';
import { newId } from '../ids.ts';
import { acquireLease, type Lease, whileHeld } from '../lease.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { type Finding, totalOf } from './finding.ts';
import { awaitFirstRuns, dueRuns, lastRuns, saveRun, type VerifyRun } from './schedule.ts';
import { OtherVersion, type VerifyOptions, type VerifyReport } from './verification.ts';
import { aggregateTypesWithoutRows, verifyProjection, verifyStreams } from './verify.ts';

/** What the job tells whoever measures it. Every call is cheap and never throws. */
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
/** Findings of one run that are logged one by one. */
const LOGGED = 100;

/**
 * Verifies every read model from time to time, in one process of all. It repairs nothing: that something is wrong is for
 * people to know first.
 */
export function startVerifying(store: ReadModels, options: VerifyJobOptions): VerifyJob {
  const { everyMs, observer, lookMs = LOOK_MS } = options;
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
        if (!signal.aborted) await verifyOne(store, options, name, holder, signal);
    };
    try {
      await whileHeld(lease, verifyDue, (err) =>
        log.warn({ err }, 'the lease to verify could not be renewed; trying again'),
      );
    } finally {
      await lease.release();
    }
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await look();
      } catch (error) {
        log.warn({ err: error }, 'the read models could not be verified; trying again later');
      }
      await pause(lookMs, stopping.signal);
    }
  };

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function verifyOne(
  store: ReadModels,
  { eventsPerSecond, observer }: VerifyJobOptions,
  name: string,
  holder: string,
  signal: AbortSignal,
): Promise<void> {
  const { db, log } = store;
  let [checked, found] = [0, 0];
  const check = (events: number): void => {
    observer?.checked(name, events - checked);
    checked = events;
  };
  try {
    const report = await verifyAny(store, name, {
      eventsPerSecond,
      signal,
      onProgress: ({ events }) => check(events),
      onFinding: (finding) => {
        found += 1;
        if (found <= LOGGED) log.warn({ finding: outlined(finding) }, 'a read model differs from the log');
      },
    });
    check(report.events);
    if (!report.complete) return;
    await saveRun(db, report, holder);
    log[totalOf(report.findings) > 0 ? 'warn' : 'info']({ verified: report }, 'verified a read model');
  } catch (error) {
    if (!(error instanceof OtherVersion)) throw error;
    log.info({ projection: name, reason: error.message }, 'not verified before it is rebuilt');
  }
}

function verifyAny(store: ReadModels, name: string, options: VerifyOptions): Promise<VerifyReport> {
  const projection = store.projections.find((known) => known.name === name);
  return projection === undefined
    ? verifyStreams(store, name, options)
    : verifyProjection(store, projection, options);
}

/** Without the values of fields, which may be large, and somebody's business. */
function outlined(finding: Finding): object {
  return finding.kind === 'wrong'
    ? { ...finding, fields: finding.fields.slice(0, 20).map(({ field }) => field) }
    : finding;
}
