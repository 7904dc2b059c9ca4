import type { DrillReport } from '../report.ts';
import type { SubscriptionTransport } from './connection.ts';
import { type ResumingSubscriber, subscribeResuming } from './resuming-subscriber.ts';
import type { Subscribed } from './subscriptions.ts';

/** A subscriber, and the gaps that it was sent. */
export interface GapWatcher extends ResumingSubscriber {
  readonly transport: SubscriptionTransport;
  /** Their reasons, in order. */
  readonly gaps: readonly string[];
}

/**
 * Subscribes for a drill in which clients are to be sent gaps; any other trouble is a problem of the drill's.
 * @param gateway where it is; undefined while there is none
 */
export function watchGaps(
  of: Subscribed,
  transport: SubscriptionTransport,
  gateway: () => string | undefined,
  token: string,
  report: DrillReport,
): GapWatcher {
  const gaps: string[] = [];
  const onTrouble = (what: string): void =>
    report.problem(`a subscriber of ${of} over ${transport} was told ${what}.`);
  const onGap = (reason: string): void => void gaps.push(reason);
  const subscriber = subscribeResuming({ of, transport, token, gateway, onTrouble, onGap });
  // Not a copy: that would not see what changes.
  return Object.assign(subscriber, { transport, gaps });
}
