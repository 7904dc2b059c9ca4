import type { Logger } from 'pino';
import { revokedSince } from './access/subjects.ts';
import { startApprovals } from './approval/executor.ts';
import { type ExpiryPort, startExpiry } from './dispatch/expiry.ts';
import { handle } from './eventstore/command/handle.ts';
import type { Store } from './eventstore/command/store.ts';
import { dueRows } from './eventstore/projection/due-rows.ts';
import { startProjector } from './eventstore/projection/projector.ts';
import { startSealing } from './eventstore/proof/job.ts';
import { startDroppingRetired } from './eventstore/rebuild/retired.ts';
import { startStaleRebuilds } from './eventstore/rebuild/stale.ts';
import { startRecovering } from './eventstore/recovery/job.ts';
import { recoverAsync } from './eventstore/recovery/recover.ts';
import { startVerifying } from './eventstore/verify/job.ts';
import type { Metrics } from './metrics/metrics.ts';
import { projections, protectedActions } from './model.ts';
import type { Personal } from './personal/personal.ts';
import { startRetaining } from './personal/retain.ts';
import { proofCopies, proofSigner } from './process/log-proof.ts';
import { observersOf } from './process/observers.ts';
import { ledgerOf } from './process/personal.ts';
import { openThreads } from './process/replay-threads.ts';
import type { Settings } from './process/settings.ts';
import { tendersRead } from './tender/projection.ts';

export interface JobsOptions {
  readonly store: Store;
  readonly personal: Personal;
  readonly settings: Settings;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Of MongoDB: threads that replay connect by themselves. */
  readonly uri: string;
  /** Called before the database goes, the last one first. */
  readonly onClose: (close: () => Promise<void>) => void;
}

/**
 * Starts what goes on without anybody asking for it: the projector, the timer of offers, rebuilds of outdated rows, dropping
 * of replaced ones, recovery after a restore, the sealing of the log, verification. Any number of processes may run them; leases and keys see to it that each thing is done once.
 */
export async function startJobs({
  store,
  personal,
  settings,
  metrics,
  log,
  uri,
  onClose,
}: JobsOptions): Promise<void> {
  const observers = observersOf(metrics);
  const retiring = startDroppingRetired(store);
  onClose(() => retiring.stop());
  const recover = recoverAsync(store);
  const projector = await startProjector(store, projections, { observer: observers.projector, recover });
  onClose(() => projector.stop());
  const recovering = startRecovering(store);
  onClose(() => recovering.stop());
  const expiry = startExpiry(expiryPort(store, metrics, log));
  onClose(() => expiry.stop());
  const approvals = startApprovals(store, {
    actions: protectedActions,
    revokedOf: (tenantId, people) => revokedSince(store.db, tenantId, people),
    onEvent: (type) => metrics.approvalEvents.inc({ type }),
  });
  onClose(() => approvals.stop());
  // In a thread of its own: this one may answer requests.
  const stale = startStaleRebuilds(store, { openWorkers: openThreads(1, uri) });
  onClose(() => stale.stop());
  const signer = proofSigner(settings);
  if (signer === undefined) log.warn('the log is not sealed: WAYBILL_PROOF_KEY is not set');
  else {
    const sealing = startSealing(store, signer, { observer: observers.seal, copies: proofCopies(settings) });
    onClose(() => sealing.stop());
  }
  if (settings.personalDays > 0) {
    const ground = { store, personal, ledger: ledgerOf(settings) };
    const retaining = startRetaining(ground, { days: settings.personalDays });
    onClose(() => retaining.stop());
  }
  const { verifyHours, verifyEventsPerSecond: eventsPerSecond } = settings;
  if (verifyHours === 0) return;
  const everyMs = verifyHours * 3_600_000;
  const verifying = startVerifying(store, { everyMs, eventsPerSecond, observer: observers.verify });
  onClose(() => verifying.stop());
}

function expiryPort(store: Store, metrics: Metrics, log: Logger): ExpiryPort {
  return {
    due: (now, limit) => dueRows(store, tendersRead, 'nextExpiryAt', now, limit),
    handle: async (intent) => {
      const outcome = await handle(store, intent);
      if (outcome.kind === 'recorded' && !outcome.repeated) metrics.expiredOffers.inc(outcome.events.length);
      return outcome;
    },
    log,
    clock: () => new Date(store.clock.now()),
  };
}
