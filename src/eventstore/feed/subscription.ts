/** Is handed an item, or told of the end. What it does with it must not throw. */
export interface ItemRequest<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/** Items as they come; written by hand, so that it can be ended while it waits. */
export interface Subscription<T> extends AsyncIterableIterator<T> {
  /** Of the item that was handed over last, or the one that the client came with; empty before. */
  readonly lastCursor: string;
  /**
   * As `next`, without a promise: the request is answered at once where an item is there, else when one comes. It may ask
   * again from within.
   */
  ask(request: ItemRequest<T>): void;
}
