/** Why a client could not be told every change, as it is told. A new snapshot follows; of the log, what comes from then on. */
export type GapReason = 'HISTORY_LOST' | 'SNAPSHOT_INTERRUPTED';

/**
 * All that decides that a subscriber gets a Gap, each with the reason that its client is told and the file that finds it
 * out. subscriber/subscriber.ts makes the Gap.
 */
export const GAP_REASONS = {
  // When a client comes back with a cursor:
  /** It is of the database as it was before a restore, or of another one. subscriber/subscriber.ts */
  otherTimeline: 'HISTORY_LOST',
  /** The snapshot that it was reading was not complete; the cursor says so. subscriber/subscriber.ts */
  partialSnapshot: 'SNAPSHOT_INTERRUPTED',
  /** This process does not come as far as the cursor, or not in time. source/source.ts */
  cursorAhead: 'HISTORY_LOST',
  /** What came since is not in memory, and in the oplog it is gone, too much, or takes too long. source/source.ts */
  changesGone: 'HISTORY_LOST',
  /** It cannot be found out any more which rows the client had. source/held-at.ts */
  heldRowsUnknown: 'HISTORY_LOST',

  // Also while a client is subscribed:
  /** The read model was replaced by rows that do not continue those before. source/ring.ts, source/generation-switch.ts */
  rowsReplaced: 'HISTORY_LOST',
  /** The change stream cannot go on from where it was. source/source.ts */
  streamLost: 'HISTORY_LOST',
  /** A snapshot broke off after some of its rows were handed over. subscriber/snapshot-reader.ts */
  snapshotBroken: 'SNAPSHOT_INTERRUPTED',
} as const satisfies Readonly<Record<string, GapReason>>;

export type GapCause = keyof typeof GAP_REASONS;
