/** How many empty slots at the head are worth cutting off, once they are half of all: so each `shift` costs little on average. */
const COMPACT_AT = 1_024;

/** First in, first out. What was taken leaves an empty slot until the list is cut. Of the ring, and of subscribers' queues. */
export class Fifo<T extends object> {
  #items: (T | undefined)[] = [];
  #head = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest; undefined where there is none. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  /** Takes the oldest. */
  shift(): T | undefined {
    const item = this.first;
    if (item === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.length === 0 || (this.#head >= COMPACT_AT && this.#head * 2 >= this.#items.length)) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** All that are left, the oldest first. */
  all(): T[] {
    return this.#items.filter((item) => item !== undefined);
  }

  get length(): number {
    return this.#items.length - this.#head;
  }
}
