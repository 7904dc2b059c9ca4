import type { Place } from '../cursor.ts';
import type { Delivery } from '../delivery.ts';
import type { Excess } from '../limits.ts';
import type { HeldRow } from '../source/held-at.ts';

/** What waits for a subscriber's client, and what is known of what the client has. */
export interface Lane<D extends object, T> {
  /** A change to pass on. @returns the limit that is now exceeded, if any */
  accept(delivery: Delivery<D>): Excess | undefined;
  /** A change that arrived before it is known what the client has. */
  buffer(delivery: Delivery<D>): Excess | undefined;
  /** The client has these rows. Absent in a lane without rows. */
  hold?(rows: readonly (D | HeldRow)[]): void;
  /** The client has everything up to `place`, or what waits for it makes it so: accepts what was buffered and lies behind. */
  cutover(place: Place, cursor: string): Excess | undefined;
  /** The client has, with what waits for it, exactly what matches at the feed's present place; called once, until `reset`. */
  caughtUp?(): void;
  /** The next item for the client, if one is due. */
  take(now: number): T | undefined;
  /** Milliseconds until something is due; undefined when nothing waits. */
  dueIn(now: number): number | undefined;
  /** Forgets what waits and what the client has, but not what is buffered. */
  reset(): void;
  /** Puts an item behind what waits. */
  push(item: T): void;
  /** How much waits. */
  readonly size: number;
}

/** A lane of rows: the client begins with some. */
export interface SnapshotLane<D extends object, T> extends Lane<D, T> {
  hold(rows: readonly HeldRow[]): void;
}
