import type { ItemRequest } from './options.ts';

/** Who has asked for an item and waits for it, in order. */
export class PendingRequests<T> {
  #first: ItemRequest<T> | undefined;
  /** Who asked while the first was waiting: nobody, mostly. */
  #others: ItemRequest<T>[] | undefined;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  push(taker: ItemRequest<T>): void {
    if (this.#first === undefined) this.#first = taker;
    else {
      this.#others ??= [];
      this.#others.push(taker);
    }
  }

  /** Takes out who has waited longest. */
  shift(): ItemRequest<T> | undefined {
    const taker = this.#first;
    this.#first = this.#others?.shift();
    return taker;
  }
}
