import type { FeedObserver } from '../eventstore/feed/observer.ts';
import type { ProjectorObserver } from '../eventstore/projection/projector-limits.ts';
import type { SealObserver } from '../eventstore/proof/job.ts';
import type { StoreObserver } from '../eventstore/store-observer.ts';
import { FINDING_KINDS } from '../eventstore/verify/finding.ts';
import type { VerifyObserver } from '../eventstore/verify/job.ts';
import type { Metrics } from '../metrics/metrics.ts';

/** What the event store reports of itself, as metrics: the store itself knows no metrics library. */
export function observersOf(metrics: Metrics): {
  readonly store: StoreObserver;
  readonly feed: FeedObserver;
  readonly projector: ProjectorObserver;
  readonly verify: VerifyObserver;
  readonly seal: SealObserver;
} {
  return {
    store: {
      committed(kind, members, events, seconds) {
        metrics.appendSeconds.observe({ kind }, seconds);
        metrics.appendGroupSize.observe({ kind }, members);
        metrics.appendedEvents.inc(events);
      },
      retried: (reason) => metrics.appendRetries.inc({ reason }),
      snapshots: (fate, count) => metrics.snapshots.inc({ fate }, count),
      metNewer: (of) => metrics.newerVersions.inc({ of }),
    },
    feed: {
      // Running subscriptions are counted where they begin, by field.
      subscribed() {},
      overflowed: (lane, limit) => metrics.subscriberOverflows.inc({ lane, limit }),
      gap: (reason) => metrics.feedGaps.inc({ reason }),
      // The reason may be any message of the driver, and a label must have few values. The log has the reason.
      reopened: (stream) => metrics.feedReopens.inc({ stream }),
      resumed: (lane, from) => metrics.feedResumes.inc({ lane, from }),
    },
    projector: {
      folded(projection, events, lagSeconds) {
        metrics.projectionBatchSize.observe({ projection }, events);
        metrics.projectionFoldSeconds.observe({ projection }, lagSeconds);
      },
      retried: (projection) => metrics.projectionRetries.inc({ projection }),
      poisoned: (projection) => metrics.projectionPoisoned.inc({ projection }),
    },
    seal: {
      sealed: (events) => metrics.sealedEvents.inc(events),
      unsealed: (seconds) => metrics.unsealedSeconds.set(seconds),
      failed: () => metrics.sealFailures.inc(),
    },
    verify: {
      checked: (projection, events) => metrics.verifyEvents.inc({ projection }, events),
      ran({ _id: projection, restsSince, last }) {
        if (last === undefined) return;
        for (const kind of FINDING_KINDS)
          metrics.verifyFindings.set({ projection, kind }, last.findings[kind]);
        metrics.verifyLastRun.set({ projection }, restsSince.getTime() / 1_000);
        metrics.verifyLastSeconds.set({ projection }, last.seconds);
      },
    },
  };
}
