import type { Row } from '../../projection.ts';
import { isBehind, type Place } from '../cursor.ts';
import { BARE_BYTES, type Delivery } from '../delivery.ts';
import type { OrderedChange } from '../item.ts';
import type { FeedLimits } from '../limits.ts';
import type { Held } from '../source/held-at.ts';
import { Board, type BoardShare } from './held-rows.ts';
import type { SnapshotLane } from './lane.ts';
import { type BoundedQueue, openQueue } from './queue.ts';
import { type ToldItems, toldItem } from './shared-item.ts';

const UPDATES: ToldItems = new WeakMap();
const LEAVINGS: ToldItems = new WeakMap();

/**
 * Every change of every row that matches, one by one, in the order of commit. Nothing is dropped.
 * @param share with whom the lane has its board in common once its client has everything up to now
 */
export function openOrderedLane<R extends Row>(
  matches: (row: R) => boolean,
  limits: FeedLimits,
  share: BoardShare<R>,
): SnapshotLane<R, OrderedChange<R>> {
  return new OrderedLane(matches, limits, share);
}

class OrderedLane<R extends Row> implements SnapshotLane<R, OrderedChange<R>> {
  readonly #matches: (row: R) => boolean;
  readonly #queue: BoundedQueue<OrderedChange<R>>;
  readonly #kept: BoundedQueue<Delivery<R>>;
  readonly #share: BoardShare<R>;
  /** The rows that the client has, or will have once the queue is read. */
  #board: Board<R> | undefined;

  constructor(matches: (row: R) => boolean, limits: FeedLimits, share: BoardShare<R>) {
    this.#matches = matches;
    this.#share = share;
    this.#queue = openQueue(limits);
    this.#kept = openQueue(limits);
  }

  accept(delivery: Delivery<R>) {
    switch (this.#own().take(delivery)) {
      case 'updated':
        return this.#queue.push(toldItem(UPDATES, delivery, updateOf), delivery.bytes);
      case 'left':
        return this.#queue.push(toldItem(LEAVINGS, delivery, leavingOf), BARE_BYTES);
      case undefined:
        return undefined;
    }
  }

  keep(delivery: Delivery<R>) {
    return this.#kept.push(delivery, delivery.bytes);
  }

  hold(rows: readonly Held[]) {
    this.#own().hold(rows);
  }

  cutover(place: Place) {
    for (let delivery = this.#kept.shift(); delivery !== undefined; delivery = this.#kept.shift()) {
      const excess = isBehind(delivery.place, place) ? this.accept(delivery) : undefined;
      if (excess !== undefined) return excess;
    }
    return undefined;
  }

  level() {
    this.#board = this.#share.join(this.#own());
  }

  say(item: OrderedChange<R>) {
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
    this.#board = undefined;
    this.#share.leave();
  }

  get size() {
    return this.#queue.length + this.#kept.length;
  }

  #own(): Board<R> {
    this.#board ??= new Board(this.#matches);
    return this.#board;
  }
}

function updateOf<R extends Row>({ document, cursor }: Delivery<R>): OrderedChange<R> {
  if (document === null) throw new Error('A row that is gone was told as it is.');
  return { kind: 'updated', row: document, cursor };
}

function leavingOf<R extends Row>({ id, cursor }: Delivery<R>): OrderedChange<R> {
  return { kind: 'left', id, cursor };
}
