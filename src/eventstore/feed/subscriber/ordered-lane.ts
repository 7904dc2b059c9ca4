import type { Row } from '../../projection.ts';
import { BARE_BYTES, type Delivery, isBehind, type Place } from '../cursor.ts';
import type { OrderedChange } from '../item.ts';
import type { FeedLimits } from '../limits.ts';
import { type BoundedQueue, openQueue } from '../queue.ts';
import type { HeldRow } from '../source/held-at.ts';
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

/** What a delivery means to a client that has these rows: the row as it is now, or that the row has left. */
export type Verdict = 'updated' | 'left' | undefined;

/** The rows that match a filter, as the deliveries up to now have left them. */
class HeldRows<R extends Row> {
  readonly #matches: (row: R) => boolean;
  /** Id to lastSequence. */
  readonly #sequences = new Map<string, number>();
  #last: Delivery<R> | undefined;
  #verdict: Verdict;

  constructor(matches: (row: R) => boolean) {
    this.#matches = matches;
  }

  hold(rows: readonly HeldRow[]): void {
    for (const { id, lastSequence } of rows) this.#sequences.set(id, lastSequence);
  }

  /**
   * Takes a delivery. Subscribers that share these rows bring the same one after another; it is judged once.
   * @throws what the filter throws; then nothing is changed
   */
  take(delivery: Delivery<R>): Verdict {
    if (delivery === this.#last) return this.#verdict;
    this.#verdict = this.#judge(delivery);
    this.#last = delivery;
    return this.#verdict;
  }

  #judge({ id, document: row }: Delivery<R>): Verdict {
    if (row === null || !this.#matches(row)) return this.#sequences.delete(id) ? 'left' : undefined;
    if ((this.#sequences.get(id) ?? 0) >= row.lastSequence) return undefined;
    this.#sequences.set(id, row.lastSequence);
    return 'updated';
  }
}

/** Held rows that several subscribers use. They are of the kind that the key says. */
interface Shared {
  readonly key: string;
  readonly rows: unknown;
  members: number;
}

/** One subscriber's access to held rows that it shares with others. */
export interface HeldRowsShare<R extends Row> {
  /**
   * @param own the subscriber's own, which have taken all deliveries up to now
   * @returns those of everyone with the same key
   */
  join(own: HeldRows<R>): HeldRows<R>;
  /** After `join`: the last who leaves takes the shared rows along. */
  leave(): void;
}

/**
 * The held rows that subscribers of one feed share. A subscriber that has been told everything up to now has exactly
 * what matches now, so one set of rows can stand for all with the same filter: a change is judged once, and a thousand
 * screens of five thousand rows are five thousand entries, not five million.
 */
export class SharedHeldRows {
  readonly #shared = new Map<string, Shared>();

  /** @param key the same for all to whom the same rows match */
  share<R extends Row>(key: () => string): HeldRowsShare<R> {
    let shared: Shared | undefined;
    return {
      join: (own) => {
        const text = key();
        shared = this.#shared.get(text) ?? { key: text, rows: own, members: 0 };
        this.#shared.set(shared.key, shared);
        shared.members += 1;
        return shared.rows as HeldRows<R>;
      },
      leave: () => {
        if (shared === undefined) return;
        shared.members -= 1;
        if (shared.members === 0) this.#shared.delete(shared.key);
        shared = undefined;
      },
    };
  }

  /** How many are in use. */
  get size(): number {
    return this.#shared.size;
  }
}
