import type { Delivery } from '../delivery.ts';
import type { Excess } from '../limits.ts';
import type { PastChange } from '../source/ring.ts';
import type { Lane } from './lane.ts';

/** What a client missed while it was away, handed to its lane in parts: a queue has an end. */
export class Backlog<D extends object> {
  readonly #changes: readonly PastChange[];
  #told = 0;

  constructor(changes: readonly PastChange[]) {
    this.#changes = changes;
  }

  /** How many are still to be told. */
  get length(): number {
    return this.#changes.length - this.#told;
  }

  /** Tells the next ones, so many at most. @returns the limit of the lane that is exceeded then, if any */
  tell(lane: Lane<D, unknown>, most: number): Excess | undefined {
    const some = this.#changes.slice(this.#told, this.#told + most);
    this.#told += some.length;
    for (const change of some) {
      const excess = lane.accept(change.delivery() as Delivery<D>);
      if (excess !== undefined) return excess;
    }
    return undefined;
  }
}
