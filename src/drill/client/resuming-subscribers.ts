import type { Scratch } from '../drill.ts';
import type { DrillReport } from '../report.ts';
import {
  type ResumingSubscriber,
  type ResumingSubscriberOptions,
  subscribeResuming,
} from './resuming-subscriber.ts';

export interface ResumingSubscribersOptions
  extends Pick<ResumingSubscriberOptions, 'transport' | 'token' | 'gateway'> {
  readonly number: number;
  readonly report: DrillReport;
}

/** Opens so many, half of them for the log, half for tenders; resolves when each has begun. They stop with the drill. */
export async function openResumingSubscribers(
  scratch: Scratch,
  { number, report, ...options }: ResumingSubscribersOptions,
): Promise<readonly ResumingSubscriber[]> {
  const subscribers = Array.from({ length: number }, (_, index) =>
    subscribeResuming({
      ...options,
      of: index % 2 === 0 ? 'events' : 'tenders',
      onTrouble: (what) => report.problem(`a subscriber was told ${what}.`),
    }),
  );
  scratch.onClose(() => stopAll(subscribers));
  await Promise.all(subscribers.map(({ began }) => began));
  return subscribers;
}

export async function stopAll(subscribers: readonly ResumingSubscriber[]): Promise<void> {
  await Promise.all(subscribers.map((subscriber) => subscriber.stop()));
}

/** How often they had to come back, all together. */
export function returnsOf(subscribers: readonly ResumingSubscriber[]): number {
  return subscribers.reduce((sum, { returns }) => sum + returns, 0);
}
