import type { Taker } from './options.ts';

/** Who has asked for an item and waits for it, in order. */
export class Takers<T> {
  #first: Taker<T> | undefined;
  /** Who asked while the first was waiting: nobody, mostly. */
  #others: Taker<T>[] | undefined;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  push(taker: Taker<T>): void {
    if (this.#first === undefined) this.#first = taker;
    else {
      this.#others ??= [];
      this.#others.push(taker);
    }
  }

  /** Takes out who has waited longest. */
  shift(): Taker<T> | undefined {
    const taker = this.#first;
    this.#first = this.#others?.shift();
    return taker;
  }
}
