/** Bounds, of one subscriber unless it says otherwise. What goes beyond closes that subscriber, never another. */
export interface FeedLimits {
  /** Changes waiting for the client, in the ordered and the log lane. */
  readonly queueItems: number;
  /** The same in bytes (BSON size). */
  readonly queueBytes: number;
  /** Rows waiting in the latest lane; so many vehicles can move between two frames. */
  readonly pendingRows: number;
  /** How long something may wait without the client asking for it, in ms. */
  readonly stalledMs: number;
  /** A quiet subscription says so this often, in ms. */
  readonly heartbeatMs: number;
  /** Rows in one item of a snapshot. */
  readonly snapshotRows: number;
  /** Rows in one frame; the rest goes with the next. */
  readonly frameRows: number;
  /** Changes that are kept for clients who come back, in bytes; once for the rows and once for the log. */
  readonly historyBytes: number;
  /** So many of them at most. */
  readonly historyItems: number;
  /** Rows of one read model and tenant of which the feed remembers who may have them; a change of any other goes to all. */
  readonly rememberedRows: number;
  /** How often a snapshot that breaks off is begun again before the subscription fails. */
  readonly snapshotTries: number;
}

export const FEED_LIMITS: FeedLimits = {
  queueItems: 10_000,
  queueBytes: 16 * 1024 * 1024,
  pendingRows: 100_000,
  stalledMs: 30_000,
  heartbeatMs: 15_000,
  snapshotRows: 500,
  frameRows: 2_000,
  historyBytes: 64 * 1024 * 1024,
  historyItems: 1_000_000,
  rememberedRows: 100_000,
  snapshotTries: 5,
};

/** The limit that a subscriber went beyond. */
export type Excess = 'queueItems' | 'queueBytes' | 'pendingRows' | 'stalledMs';

/** Thrown from the iterator of a subscriber that reads too slowly. It was closed; it may subscribe again. */
export class SlowConsumerError extends Error {
  override readonly name = 'SlowConsumerError';
  readonly limit: Excess;

  constructor(limit: Excess) {
    super(`The subscriber reads too slowly (${limit}); it was closed and may subscribe again.`);
    this.limit = limit;
  }
}
