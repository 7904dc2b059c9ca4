import type { Delivery, Place } from '../cursor.ts';
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

/** Items of one kind, by the delivery that they are made of. They go when nobody has the delivery any more. */
export type SharedItems = WeakMap<object, object>;

/**
 * The item that subscribers get for a delivery: one object for all of them, so that what is made of it further on, such
 * as a frame's text, can be shared, too.
 * @param make makes it for the first who asks; it must depend on nothing but the delivery
 */
export function sharedItem<D extends object, T extends object>(
  items: SharedItems,
  delivery: Delivery<D>,
  make: (delivery: Delivery<D>) => T,
): T {
  const known = items.get(delivery);
  if (known !== undefined) return known as T;
  const item = make(delivery);
  items.set(delivery, item);
  return item;
}
