import type { Timestamp } from 'mongodb';
import type { Delivery } from './delivery.ts';
import type { Excess } from './feed-limits.ts';

/** What a subscriber has waiting for its client, and what it knows of what the client has. */
export interface Lane<D extends object, T> {
  /** A change to tell. @returns the limit that is now exceeded, if any */
  accept(delivery: Delivery<D>): Excess | undefined;
  /** The next item for the client, if one is due. */
  take(now: number): T | undefined;
  /** Milliseconds until something is due; undefined when nothing waits. */
  dueIn(now: number): number | undefined;
  /** Forgets what waits and what the client has. */
  reset(): void;
  /** Puts an item behind what waits. */
  say(item: T): void;
  /** How much waits. */
  readonly size: number;
}

/** A lane that begins with a snapshot. Until the snapshot is complete, changes are kept aside. */
export interface SnapshotLane<D extends object, T> extends Lane<D, T> {
  /** A change that arrived while the snapshot is being read. */
  keep(delivery: Delivery<D>): Excess | undefined;
  /** Rows of the snapshot: the client has these. */
  hold(rows: readonly D[]): void;
  /** The snapshot is complete: tells what was kept and committed after `snapshot`; the rest is in it already. */
  cutover(snapshot: Timestamp): Excess | undefined;
}
