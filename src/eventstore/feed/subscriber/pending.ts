import type { ItemRequest } from '../subscription.ts';

/** The client's requests that wait for an item, in order. */
export class PendingRequests<T> {
  #first: ItemRequest<T> | undefined;
  /** Those made while the first was waiting: mostly there is none. */
  #others: ItemRequest<T>[] | undefined;
  #failure: unknown;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  push(request: ItemRequest<T>): void {
    if (this.#first === undefined) this.#first = request;
    else {
      this.#others ??= [];
      this.#others.push(request);
    }
  }

  /** Hands an item to the request that has waited longest. */
  answer(value: T): void {
    this.#shift()?.resolve({ done: false, value });
  }

  /** Nothing comes any more: tells all that wait. The first one, or the next to come, is told of the failure. */
  end(failure: unknown): void {
    this.#failure = failure;
    for (let request = this.#shift(); request !== undefined; request = this.#shift()) this.refuse(request);
  }

  /** After `end`: tells a request so, in a later turn. */
  refuse(request: ItemRequest<T>): void {
    const failure = this.#failure;
    this.#failure = undefined;
    queueMicrotask(() => {
      if (failure === undefined) request.resolve({ done: true, value: undefined });
      else request.reject(failure);
    });
  }

  #shift(): ItemRequest<T> | undefined {
    const request = this.#first;
    this.#first = this.#others?.shift();
    return request;
  }
}
