/**
 * Read models: events in, rows out, one row a stream.
 *
 * Where rows are: generation/pointer.ts (which generation is live), generation/live.ts (what this process knows of it),
 * generation/seal.ts and await-next.ts (a switch to the next generation, and writers that wait for it).
 * Inline rows come with their events, in the append's transaction: row-writes.ts.
 * Async rows come from the change stream, by the projector, in this order: projector.ts holds the lease, follower.ts reads
 * batches of event-heads.ts from where resume.ts begins, row-folds.ts folds rows on, batch-writer.ts writes them with
 * batch-commit.ts, which saves the checkpoint (checkpoint.ts) in the same transaction. relief.ts takes the lease from an older version.
 * catch-up.ts brings rows up to events that came past the commands; status.ts says how far they are.
 * Reads: rows.ts (a tenant's, with row-reads.ts), due-rows.ts (timers), row-snapshot.ts and rows-at.ts (rows as they were
 * at one moment), one-moment.ts (rows and log at one moment).
 */
import { backoff, pause } from '../backoff.ts';
import { newId } from '../ids.ts';
import { acquireLease, type Lease, whileHeld } from '../lease.ts';
import { NewerVersion } from '../newer.ts';
import type { Projection } from '../projection.ts';
import { FencedOut } from './checkpoint.ts';
import { type Follower, openFollower } from './follower.ts';
import { passFence } from './projector-fence.ts';
import { PROJECTOR_LIMITS, type ProjectorLimits, type ProjectorObserver } from './projector-limits.ts';
import type { ProjectorTask, Recover } from './projector-task.ts';
import type { ReadModels } from './read-models.ts';
import { holderToRelieve } from './relief.ts';

export interface ProjectorOptions {
  readonly limits?: Partial<ProjectorLimits>;
  readonly observer?: ProjectorObserver;
  readonly recover?: Recover;
}

export interface Projector {
  /** Finishes the batch at hand and lets another process take over at once. */
  stop(): Promise<void>;
}

const SILENT: ProjectorObserver = { folded() {}, retried() {}, poisoned() {} };

/**
 * Writes those of these read models that are async from the log (design section 6), for as long as this process holds
 * their leases; otherwise it waits to take over. Any number of processes may run it. Nothing but `stop` ends it:
 * whatever fails is logged and tried again.
 */
export async function startProjector(
  store: ReadModels,
  projections: readonly Projection[],
  options: ProjectorOptions = {},
): Promise<Projector> {
  const limits: ProjectorLimits = { ...PROJECTOR_LIMITS, ...options.limits };
  const observer = options.observer ?? SILENT;
  // A name of its own for each projector: two in one process must not take each other for themselves.
  const holder = `${store.producerId}/${newId()}`;
  const working = projections
    .filter((projection) => projection.mode === 'async')
    .map((projection) =>
      keepProjecting({ store, projection, limits, observer, recover: options.recover }, holder),
    );
  return {
    stop: async () => {
      await Promise.all(working.map((each) => each.stop()));
    },
  };
}

/** Projects one read model for good: waits for its lease, follows the log while that is held, and waits again. */
function keepProjecting(model: Omit<ProjectorTask, 'fence'>, holder: string): Projector {
  const { store, projection, limits, observer } = model;
  const { db, log } = store;
  const { name } = projection;
  const stopping = new AbortController();
  let follower: Follower | undefined;

  const followUnder = async (lease: Lease): Promise<void> => {
    const { fence } = lease;
    log.info({ projection: name, fence }, 'projecting');
    const opened = openFollower({ ...model, fence });
    follower = opened;
    if (stopping.signal.aborted) return;
    const run = async (lost: AbortSignal): Promise<void> => {
      lost.addEventListener('abort', () => opened.stop());
      try {
        await opened.run();
      } finally {
        opened.stop();
      }
    };
    await whileHeld(lease, run, (err) =>
      log.warn({ err, projection: name }, 'lease could not be renewed; trying again'),
    );
  };

  /** @returns null while another projects, or rows of newer code are left to a newer process */
  const obtainLease = async (): Promise<Lease | null> => {
    if (store.live.newerRows(projection) !== undefined) {
      await store.live.refresh();
      if (store.live.newerRows(projection) !== undefined) return null;
    }
    const lease = await acquireLease(db, name, holder, limits.leaseMs);
    if (lease !== null) return lease;
    const older = await holderToRelieve(store, projection);
    if (older === undefined) return null;
    log.info(
      { projection: name, holder: older },
      'taking over from an older version, which left rows behind',
    );
    return acquireLease(db, name, holder, limits.leaseMs, older);
  };

  const work = async (): Promise<void> => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      try {
        const lease = await obtainLease();
        if (lease === null) {
          await pause(limits.leasePollMs, stopping.signal);
          continue;
        }
        const leftToNewer = await followUnder(lease).catch((error: unknown) => {
          if (error instanceof NewerVersion) return true;
          throw error;
        });
        failures = 0;
        if (stopping.signal.aborted || leftToNewer === true) await lease.release();
      } catch (error) {
        if (error instanceof FencedOut) {
          log.info({ projection: name }, 'another projector has taken over');
          await passFence(db, name);
          continue;
        }
        log.warn({ err: error, projection: name, failures }, 'projector failed; trying again');
        observer.retried(name);
        await backoff(failures++, stopping.signal);
      }
    }
  };

  const working = work();
  return {
    async stop() {
      stopping.abort();
      follower?.stop();
      await working;
    },
  };
}
