import { isBehind } from './cursor.ts';
import type { Delivery } from './delivery.ts';
import type { OrderedChange } from './feed-item.ts';
import type { SnapshotLane } from './feed-lane.ts';
import type { FeedLimits } from './feed-limits.ts';
import type { Row } from './projection.ts';
import { openQueue } from './queue.ts';
import { type ToldItems, toldItem } from './told-item.ts';

const UPDATES: ToldItems = new WeakMap();
const LEAVINGS: ToldItems = new WeakMap();

/** Every change of every row that matches, one by one, in the order of commit. Nothing is dropped. */
export function openOrderedLane<R extends Row>(
  matches: (row: R) => boolean,
  limits: FeedLimits,
): SnapshotLane<R, OrderedChange<R>> {
  const queue = openQueue<OrderedChange<R>>(limits);
  const kept = openQueue<Delivery<R>>(limits);
  /** The rows that the client has, or will have once the queue is read: id to lastSequence. */
  const has = new Map<string, number>();

  const accept = (delivery: Delivery<R>) => {
    const { id, document: row } = delivery;
    if (row !== null && matches(row)) {
      if ((has.get(id) ?? 0) >= row.lastSequence) return undefined;
      has.set(id, row.lastSequence);
      return queue.push(
        toldItem(UPDATES, delivery, ({ cursor }): OrderedChange<R> => ({ kind: 'updated', row, cursor })),
        delivery.bytes,
      );
    }
    return has.delete(id) ? queue.push(toldItem(LEAVINGS, delivery, leavingOf), 64) : undefined;
  };

  return {
    accept,
    keep: (delivery) => kept.push(delivery, delivery.bytes),
    hold(rows) {
      for (const row of rows) has.set(row.id, row.lastSequence);
    },
    cutover(place) {
      for (let delivery = kept.shift(); delivery !== undefined; delivery = kept.shift()) {
        const excess = isBehind(delivery.place, place) ? accept(delivery) : undefined;
        if (excess !== undefined) return excess;
      }
      return undefined;
    },
    say: (item) => void queue.push(item, 64),
    take: () => queue.shift(),
    dueIn: () => (queue.length > 0 ? 0 : undefined),
    reset() {
      queue.clear();
      has.clear();
    },
    get size() {
      return queue.length + kept.length;
    },
  };
}

function leavingOf<R extends Row>({ id, cursor }: Delivery<R>): OrderedChange<R> {
  return { kind: 'left', id, cursor };
}
