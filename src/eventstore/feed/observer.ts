import type { GapReason } from './gap.ts';
import type { Excess } from './limits.ts';

export type LaneName = 'ordered' | 'latest' | 'log';
export type StreamName = 'rows' | 'events';
/** Where the changes that a client missed were found. */
export type HistorySource = 'ring' | 'oplog';

/** What the feed tells whoever measures it. Every call is cheap and never throws. */
export interface FeedObserver {
  subscribed(lane: LaneName, change: 1 | -1): void;
  overflowed(lane: LaneName, limit: Excess): void;
  gap(reason: GapReason): void;
  reopened(stream: StreamName, reason: string): void;
  /** A subscriber came back, and what it missed was found, or was not. */
  resumed(lane: LaneName, from: HistorySource | 'nowhere'): void;
}

export const SILENT_FEED: FeedObserver = {
  subscribed() {},
  overflowed() {},
  gap() {},
  reopened() {},
  resumed() {},
};
