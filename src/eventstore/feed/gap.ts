/** Why a client could not be told every change, as it is told. A new snapshot follows; of the log, what comes from then on. */
export type GapReason = 'HISTORY_LOST' | 'SNAPSHOT_INTERRUPTED';

/**
 * Everything that decides that a subscriber gets a Gap, with the reason that its client is told. Whoever finds one of
 * these says so by its name; `Subscriber` makes the Gap of it.
 */
export const GAP_REASONS = {
  // A client comes back with a cursor, and cannot go on from there:
  /** The snapshot that it was reading was not complete. Found by the subscriber, in the cursor. */
  partialSnapshot: 'SNAPSHOT_INTERRUPTED',
  /** This process does not come as far as the cursor, or not in time. Found by the source. */
  cursorAhead: 'HISTORY_LOST',
  /** What came since is not in memory, and in the oplog it is gone, too much, or takes too long. Found by the source. */
  changesGone: 'HISTORY_LOST',
  /** Which rows the client had can no longer be found out. Found by `heldAt`. */
  heldRowsUnknown: 'HISTORY_LOST',

  // Also while a client is subscribed:
  /** The read model was replaced by rows that do not continue those before. Found by the ring, or at the switch. */
  rowsReplaced: 'HISTORY_LOST',
  /** The change stream cannot go on from where it was. Found by the source. */
  streamLost: 'HISTORY_LOST',
  /** A snapshot broke off after some of its rows were handed over. Found by the subscriber, as it reads. */
  snapshotBroken: 'SNAPSHOT_INTERRUPTED',
} as const satisfies Readonly<Record<string, GapReason>>;

export type GapCause = keyof typeof GAP_REASONS;
