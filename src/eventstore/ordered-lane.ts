import { isBehind, type Place } from './cursor.ts';
import type { Delivery } from './delivery.ts';
import type { Held } from './feed-holdings.ts';
import type { OrderedChange } from './feed-item.ts';
import type { SnapshotLane } from './feed-lane.ts';
import type { FeedLimits } from './feed-limits.ts';
import type { Row } from './projection.ts';
import { type BoundedQueue, openQueue } from './queue.ts';
import { type ToldItems, toldItem } from './told-item.ts';

const UPDATES: ToldItems = new WeakMap();
const LEAVINGS: ToldItems = new WeakMap();

/** Every change of every row that matches, one by one, in the order of commit. Nothing is dropped. */
export function openOrderedLane<R extends Row>(
  matches: (row: R) => boolean,
  limits: FeedLimits,
): SnapshotLane<R, OrderedChange<R>> {
  return new OrderedLane(matches, limits);
}

class OrderedLane<R extends Row> implements SnapshotLane<R, OrderedChange<R>> {
  readonly #matches: (row: R) => boolean;
  readonly #queue: BoundedQueue<OrderedChange<R>>;
  readonly #kept: BoundedQueue<Delivery<R>>;
  /** The rows that the client has, or will have once the queue is read: id to lastSequence. None: nothing is kept for it. */
  #has: Map<string, number> | undefined;

  constructor(matches: (row: R) => boolean, limits: FeedLimits) {
    this.#matches = matches;
    this.#queue = openQueue(limits);
    this.#kept = openQueue(limits);
  }

  accept(delivery: Delivery<R>) {
    const { id, document: row } = delivery;
    if (row !== null && this.#matches(row)) {
      if ((this.#has?.get(id) ?? 0) >= row.lastSequence) return undefined;
      this.#hold(row);
      return this.#queue.push(
        toldItem(UPDATES, delivery, ({ cursor }): OrderedChange<R> => ({ kind: 'updated', row, cursor })),
        delivery.bytes,
      );
    }
    return this.#has?.delete(id) ? this.#queue.push(toldItem(LEAVINGS, delivery, leavingOf), 64) : undefined;
  }

  keep(delivery: Delivery<R>) {
    return this.#kept.push(delivery, delivery.bytes);
  }

  hold(rows: readonly Held[]) {
    for (const row of rows) this.#hold(row);
  }

  cutover(place: Place) {
    for (let delivery = this.#kept.shift(); delivery !== undefined; delivery = this.#kept.shift()) {
      const excess = isBehind(delivery.place, place) ? this.accept(delivery) : undefined;
      if (excess !== undefined) return excess;
    }
    return undefined;
  }

  say(item: OrderedChange<R>) {
    this.#queue.push(item, 64);
  }

  take() {
    return this.#queue.shift();
  }

  dueIn() {
    return this.#queue.length > 0 ? 0 : undefined;
  }

  reset() {
    this.#queue.clear();
    this.#has = undefined;
  }

  get size() {
    return this.#queue.length + this.#kept.length;
  }

  #hold({ id, lastSequence }: Held): void {
    this.#has ??= new Map();
    this.#has.set(id, lastSequence);
  }
}

function leavingOf<R extends Row>({ id, cursor }: Delivery<R>): OrderedChange<R> {
  return { kind: 'left', id, cursor };
}
