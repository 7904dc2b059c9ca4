import type { Row } from '../../projection.ts';
import type { Delivery } from '../cursor.ts';
import type { HeldRow } from '../source/held-at.ts';

/** What a delivery means to a client that has these rows: the row as it is now, or that the row has left. */
export type Verdict = 'updated' | 'left' | undefined;

/** The rows that match a filter, as the deliveries up to now have left them. */
export class HeldRows<R extends Row> {
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
