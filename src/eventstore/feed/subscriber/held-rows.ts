import type { Row } from '../../projection.ts';
import type { Delivery } from '../delivery.ts';
import type { Held } from '../source/held-at.ts';

/** What a delivery means to whoever has what is on a board: the row is theirs as it is now, or is theirs no longer. */
export type Verdict = 'updated' | 'left' | undefined;

/** The rows that match a filter, as the deliveries up to now have left them. */
export class Board<R extends Row> {
  readonly #matches: (row: R) => boolean;
  /** Id to lastSequence. */
  readonly #has = new Map<string, number>();
  #last: Delivery<R> | undefined;
  #verdict: Verdict;

  constructor(matches: (row: R) => boolean) {
    this.#matches = matches;
  }

  hold(rows: readonly Held[]): void {
    for (const { id, lastSequence } of rows) this.#has.set(id, lastSequence);
  }

  /** Takes a delivery, once for all who bring it one after another. @throws what the filter throws; then nothing is changed */
  take(delivery: Delivery<R>): Verdict {
    if (delivery === this.#last) return this.#verdict;
    this.#verdict = this.#judge(delivery);
    this.#last = delivery;
    return this.#verdict;
  }

  #judge({ id, document: row }: Delivery<R>): Verdict {
    if (row === null || !this.#matches(row)) return this.#has.delete(id) ? 'left' : undefined;
    if ((this.#has.get(id) ?? 0) >= row.lastSequence) return undefined;
    this.#has.set(id, row.lastSequence);
    return 'updated';
  }
}

/** A board in use by several. Its rows are of the kind that its key says. */
interface Shared {
  readonly key: string;
  readonly board: unknown;
  members: number;
}

/** One subscriber's way to a board with others. */
export interface BoardShare<R extends Row> {
  /** @param own what this one has, where all deliveries up to now have been taken @returns the board of all who have the same */
  join(own: Board<R>): Board<R>;
  /** After `join`: the board is forgotten with the last who has it. */
  leave(): void;
}

/**
 * The boards of one feed. Whoever has been told everything up to now has just what matches now, so that one board
 * stands for all with the same filter: a change is judged once, and a thousand screens of five thousand rows are five
 * thousand entries, not five million.
 */
export class Boards {
  readonly #shared = new Map<string, Shared>();

  /** @param key the same for all to whom the same rows match */
  share<R extends Row>(key: () => string): BoardShare<R> {
    let shared: Shared | undefined;
    return {
      join: (own) => {
        const text = key();
        shared = this.#shared.get(text) ?? { key: text, board: own, members: 0 };
        this.#shared.set(shared.key, shared);
        shared.members += 1;
        return shared.board as Board<R>;
      },
      leave: () => {
        if (shared === undefined) return;
        shared.members -= 1;
        if (shared.members === 0) this.#shared.delete(shared.key);
        shared = undefined;
      },
    };
  }

  /** Boards that somebody has. */
  get size(): number {
    return this.#shared.size;
  }
}
