import type { Row } from '../../projection.ts';
import { BARE_BYTES, type Delivery, isBehind, type Place } from '../cursor.ts';
import type { OrderedChange } from '../item.ts';
import type { FeedLimits } from '../limits.ts';
import { type BoundedQueue, openQueue } from '../queue.ts';
import type { HeldRow } from '../source/held-at.ts';
import { HeldRows, type HeldRowsShare } from './held-rows.ts';
import { type SharedItems, type SnapshotLane, sharedItem } from './lane.ts';

const UPDATED: SharedItems = new WeakMap();
const LEFT: SharedItems = new WeakMap();

/**
 * Every change of every row that matches, one by one, in the order of commit. Nothing is dropped.
 * @param share of the held rows, with subscribers of the same filter, once the client has everything up to now
 */
export function openOrderedLane<R extends Row>(
  matches: (row: R) => boolean,
  limits: FeedLimits,
  share: HeldRowsShare<R>,
): SnapshotLane<R, OrderedChange<R>> {
  return new OrderedLane(matches, limits, share);
}

class OrderedLane<R extends Row> implements SnapshotLane<R, OrderedChange<R>> {
  readonly #matches: (row: R) => boolean;
  readonly #queue: BoundedQueue<OrderedChange<R>>;
  readonly #buffered: BoundedQueue<Delivery<R>>;
  readonly #share: HeldRowsShare<R>;
  /** The rows that the client has, or will have once the queue is read. */
  #held: HeldRows<R> | undefined;

  constructor(matches: (row: R) => boolean, limits: FeedLimits, share: HeldRowsShare<R>) {
    this.#matches = matches;
    this.#share = share;
    this.#queue = openQueue(limits);
    this.#buffered = openQueue(limits);
  }

  accept(delivery: Delivery<R>) {
    switch (this.#ownRows().take(delivery)) {
      case 'updated':
        return this.#queue.push(sharedItem(UPDATED, delivery, updateOf), delivery.bytes);
      case 'left':
        return this.#queue.push(sharedItem(LEFT, delivery, leftOf), BARE_BYTES);
      case undefined:
        return undefined;
    }
  }

  buffer(delivery: Delivery<R>) {
    return this.#buffered.push(delivery, delivery.bytes);
  }

  hold(rows: readonly HeldRow[]) {
    this.#ownRows().hold(rows);
  }

  cutover(place: Place) {
    for (let delivery = this.#buffered.shift(); delivery !== undefined; delivery = this.#buffered.shift()) {
      const excess = isBehind(delivery.place, place) ? this.accept(delivery) : undefined;
      if (excess !== undefined) return excess;
    }
    return undefined;
  }

  caughtUp() {
    this.#held = this.#share.join(this.#ownRows());
  }

  push(item: OrderedChange<R>) {
    this.#queue.push(item, BARE_BYTES);
  }

  take() {
    return this.#queue.shift();
  }

  dueIn() {
    return this.#queue.length > 0 ? 0 : undefined;
  }

  reset() {
    this.#queue.clear();
    this.#held = undefined;
    this.#share.leave();
  }

  get size() {
    return this.#queue.length + this.#buffered.length;
  }

  #ownRows(): HeldRows<R> {
    this.#held ??= new HeldRows(this.#matches);
    return this.#held;
  }
}

function updateOf<R extends Row>({ document, cursor }: Delivery<R>): OrderedChange<R> {
  if (document === null) throw new Error('A row that is gone cannot be an update.');
  return { kind: 'updated', row: document, cursor };
}

function leftOf<R extends Row>({ id, cursor }: Delivery<R>): OrderedChange<R> {
  return { kind: 'left', id, cursor };
}
