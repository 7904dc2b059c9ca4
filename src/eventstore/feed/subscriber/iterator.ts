import type { Interest } from '../../interest.ts';
import type { Delivery } from '../cursor.ts';
import type { GapCause } from '../gap.ts';
import type { CommonItem } from '../item.ts';
import { SlowConsumerError } from '../limits.ts';
import type { LaneName } from '../observer.ts';
import type { Receiver } from '../source/receivers.ts';
import type { ItemRequest, Subscription } from '../subscription.ts';
import type { Member } from './members.ts';
import type { SubscriberOptions } from './options.ts';
import { Subscriber } from './subscriber.ts';

/**
 * The client's side of a subscription: answers its requests with the items of its subscriber. Written by hand,
 * since a generator's `return()` waits for its pending `next()`, which on a quiet subscription is for ever.
 */
export class SubscriptionIterator<D extends object, T extends { readonly cursor: string }>
  implements Subscription<T | CommonItem>, Member, Receiver
{
  readonly #options: SubscriberOptions<D, T>;
  readonly #subscriber: Subscriber<D, T>;
  // The client's requests that wait for an item, in order. They are fields rather than an object: with thousands of
  // subscribers, none of a subscriber's objects is in the processor's caches when its next item comes.
  #request: ItemRequest<T | CommonItem> | undefined;
  /** Those made while the first was waiting: mostly there is none. */
  #laterRequests: ItemRequest<T | CommonItem>[] | undefined;
  #failure: unknown;
  #isPumping = false;
  #timer: NodeJS.Timeout | undefined;
  #answeredAt = performance.now();
  #stalledSince: number | undefined;

  constructor(options: SubscriberOptions<D, T>) {
    this.#options = options;
    this.#subscriber = new Subscriber(options);
  }

  get laneName(): LaneName {
    return this.#options.laneName;
  }

  get interest(): Interest<D> | undefined {
    return this.#options.selection.interest;
  }

  get lastCursor(): string {
    return this.#subscriber.lastCursor;
  }

  get waiting(): number {
    return this.#subscriber.waiting;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T | CommonItem, undefined>> {
    return new Promise((resolve, reject) => this.ask({ resolve, reject }));
  }

  ask(request: ItemRequest<T | CommonItem>): void {
    this.#stalledSince = undefined;
    const { phase } = this.#subscriber;
    if (phase === 'closed') {
      this.#refuse(request);
      return;
    }
    if (this.#request === undefined) this.#request = request;
    else {
      this.#laterRequests ??= [];
      this.#laterRequests.push(request);
    }
    if (phase === 'new') this.#begin();
    else if (!this.#isPumping) this.#pump();
  }

  /** Ends the subscription, also while `next()` is pending. */
  return(): Promise<IteratorResult<T | CommonItem, undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error?: unknown): Promise<IteratorResult<T | CommonItem, undefined>> {
    this.end();
    return Promise.reject(error);
  }

  /** Never throws: a filter that does ends its own subscription only. */
  accept(delivery: Delivery<D>): void {
    try {
      this.#subscriber.accept(delivery);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#request !== undefined && this.#subscriber.phase === 'live') this.#pump();
  }

  lost(cause: GapCause): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      this.#subscriber.lost(cause);
    } catch (error) {
      this.#fail(error);
    }
    this.#pump();
  }

  /** Once a second or so: a heartbeat if it is quiet, the end if the client does not read. */
  tick(now: number): void {
    const { limits } = this.#options.feed;
    this.#subscriber.checkCaughtUp();
    if (this.#request !== undefined) {
      if (this.#subscriber.phase !== 'live' || now - this.#answeredAt < limits.heartbeatMs) return;
      this.#subscriber.pushHeartbeat();
      this.#pump();
    } else if (this.#subscriber.hasMore) {
      this.#stalledSince ??= now;
      if (now - this.#stalledSince >= limits.stalledMs) this.#fail(new SlowConsumerError('stalledMs'));
    }
  }

  /** Ends it from either side. */
  end(failure?: unknown): void {
    if (this.#subscriber.phase === 'closed') return;
    clearTimeout(this.#timer);
    this.#subscriber.close();
    this.#options.feed.members.leave(this);
    this.#failure = failure;
    for (let request = this.#nextRequest(); request !== undefined; request = this.#nextRequest())
      this.#refuse(request);
  }

  /** Nothing comes any more: tells a request so, in a later turn. The first is told of the failure, if there was one. */
  #refuse(request: ItemRequest<T | CommonItem>): void {
    const failure = this.#failure;
    this.#failure = undefined;
    queueMicrotask(() => {
      if (failure === undefined) request.resolve({ done: true, value: undefined });
      else request.reject(failure);
    });
  }

  /** Takes the request that has waited longest. */
  #nextRequest(): ItemRequest<T | CommonItem> | undefined {
    const request = this.#request;
    this.#request = this.#laterRequests?.shift();
    return request;
  }

  #fail(error: unknown): void {
    this.end(error);
    if (!(error instanceof SlowConsumerError)) return;
    const { feed, laneName: lane, selection } = this.#options;
    const { limit } = error;
    const { tenantId } = selection;
    feed.log.warn({ lane, limit, tenantId }, 'subscriber reads too slowly; closed');
    feed.observer.overflowed(lane, limit);
    selection.onOverflow?.(limit);
  }

  #begin(): void {
    this.#subscriber.join(this).then(
      () => this.#pump(),
      (error) => this.#fail(error),
    );
  }

  /** Hands over what is due; where nothing is, sees to it that something will be. */
  #pump(): void {
    const now = performance.now();
    this.#isPumping = true;
    try {
      while (this.#request !== undefined) {
        const value = this.#take(now);
        if (value === undefined) break;
        this.#answeredAt = now;
        this.#nextRequest()?.resolve({ done: false, value });
      }
    } finally {
      this.#isPumping = false;
    }
    if (this.#request === undefined) return;
    const { phase } = this.#subscriber;
    if (phase === 'snapshot' && !this.#subscriber.isReading) void this.#readSnapshot();
    else if (phase === 'live') this.#wakeWhenDue(now);
  }

  #take(now: number): T | CommonItem | undefined {
    try {
      return this.#subscriber.take(now);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  async #readSnapshot(): Promise<void> {
    try {
      await this.#subscriber.readSnapshot();
    } catch (error) {
      this.#fail(error);
    }
    this.#pump();
  }

  #wakeWhenDue(now: number): void {
    const ms = this.#subscriber.dueIn(now);
    if (ms === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, Math.ceil(ms));
  }
}
