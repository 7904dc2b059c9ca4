import type { Timestamp } from 'mongodb';
import { backoff } from './backoff.ts';
import type { Delivery } from './delivery.ts';
import { cursorAt, type GapItem, type GapReason, type HeartbeatItem } from './feed-item.ts';
import type { Lane, SnapshotLane } from './feed-lane.ts';
import { type Excess, type FeedLimits, SlowConsumerError } from './feed-limits.ts';
import type { Receiver } from './feed-source.ts';
import { mayReadAgain, type SnapshotReader } from './snapshot.ts';

/** What every subscription may tell. */
export type CommonItem = GapItem | HeartbeatItem;

/** A subscriber, seen from the feed. */
export interface Member extends Receiver {
  tick(now: number): void;
  end(): void;
  readonly waiting: number;
}

/** How a subscriber begins with a snapshot. */
export interface SnapshotSource<D extends object, T> {
  readonly lane: SnapshotLane<D, T | CommonItem>;
  open(): SnapshotReader<D>;
  item(rows: readonly D[], complete: boolean, cursor: string): T;
}

export interface SubscriberOptions<D extends object, T> {
  readonly lane: Lane<D, T | CommonItem>;
  /** Absent: the subscription begins with a heartbeat and what comes next. */
  readonly snapshot?: SnapshotSource<D, T>;
  readonly limits: FeedLimits;
  /** Registers with the feed, once its stream is open. @returns how to leave again */
  join(self: Member): Promise<() => void>;
  /** The feed's present place. */
  place(): Timestamp;
  onGap(reason: GapReason): void;
  onOverflow(limit: Excess): void;
}

type Phase = 'new' | 'joining' | 'snapshot' | 'live' | 'closed';

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/**
 * One subscription: an iterator on the client's side, `accept` on the feed's. Written by hand, since a generator's
 * `return()` waits for its pending `next()`, which on a quiet subscription is for ever.
 */
export class Subscriber<D extends object, T> implements AsyncIterableIterator<T | CommonItem>, Member {
  readonly #options: SubscriberOptions<D, T>;
  readonly #waiters: Waiter<T | CommonItem>[] = [];
  #phase: Phase = 'new';
  /** Goes before what the lane has. */
  #outbox: (T | CommonItem)[] = [];
  #reader: SnapshotReader<D> | undefined;
  /** Raised whenever the snapshot begins anew: what an older read brings is not wanted any more. */
  #round = 0;
  #reading = false;
  #tries = 0;
  #toldRows = false;
  #leave: () => void = () => undefined;
  #failure: unknown;
  #timer: NodeJS.Timeout | undefined;
  #handedOverAt = performance.now();
  #stalledSince: number | undefined;

  constructor(options: SubscriberOptions<D, T>) {
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T | CommonItem, undefined>> {
    this.#stalledSince = undefined;
    if (this.#phase === 'closed') return this.#ended();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      if (this.#phase === 'new') this.#begin();
      else this.#pump();
    });
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

  /** A change, from the feed. Never throws: a filter that does ends its own subscription only. */
  accept(delivery: Delivery<D>): void {
    if (this.#phase === 'closed') return;
    const { lane, snapshot } = this.#options;
    const kept = snapshot !== undefined && this.#phase !== 'live';
    try {
      const excess = kept ? snapshot.lane.keep(delivery) : lane.accept(delivery);
      if (excess !== undefined) this.#overflow(excess);
    } catch (error) {
      this.end(error);
    }
    if (!kept && this.#waiters.length > 0) this.#pump();
  }

  /** Changes were missed: tells so, and begins anew where there is a snapshot. */
  lost(reason: GapReason): void {
    if (this.#phase !== 'live' && this.#phase !== 'snapshot') return;
    this.#options.onGap(reason);
    const gap: CommonItem = { kind: 'gap', reason, cursor: cursorAt(this.#options.place()) };
    if (this.#options.snapshot === undefined) this.#options.lane.say(gap);
    else {
      this.#restart();
      this.#outbox = [gap];
      this.#phase = 'snapshot';
      this.#tries = 0;
    }
    this.#pump();
  }

  /** Once a second or so: a heartbeat if it is quiet, the end if the client does not read. */
  tick(now: number): void {
    const { limits, lane } = this.#options;
    if (this.#waiters.length > 0) {
      if (this.#phase === 'live' && now - this.#handedOverAt >= limits.heartbeatMs) {
        this.#outbox.push(this.#heartbeat());
        this.#pump();
      }
    } else if (this.#outbox.length > 0 || lane.size > 0 || this.#phase === 'snapshot') {
      this.#stalledSince ??= now;
      if (now - this.#stalledSince >= limits.stalledMs) this.#overflow('stalledMs');
    }
  }

  /** How much waits for the client. */
  get waiting(): number {
    return this.#outbox.length + this.#options.lane.size;
  }

  /** Ends it from either side. */
  end(failure?: unknown): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#failure = failure;
    this.#restart();
    this.#outbox = [];
    this.#leave();
    for (const waiter of this.#waiters.splice(0)) this.#ended().then(waiter.resolve, waiter.reject);
  }

  #ended(): Promise<IteratorResult<T | CommonItem, undefined>> {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure === undefined
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(failure);
  }

  #overflow(limit: Excess): void {
    this.end(new SlowConsumerError(limit));
    this.#options.onOverflow(limit);
  }

  #begin(): void {
    this.#phase = 'joining';
    this.#options.join(this).then(
      (leave) => {
        if (this.#phase === 'closed') return leave();
        this.#leave = leave;
        this.#phase = this.#options.snapshot === undefined ? 'live' : 'snapshot';
        if (this.#phase === 'live') this.#outbox.push(this.#heartbeat());
        this.#pump();
      },
      (error) => this.end(error),
    );
  }

  /** Hands over what is due; where nothing is, sees to it that something will be. */
  #pump(): void {
    const now = performance.now();
    while (this.#waiters.length > 0) {
      const value = this.#outbox.shift() ?? this.#options.lane.take(now);
      if (value === undefined) break;
      this.#handedOverAt = now;
      this.#waiters.shift()?.resolve({ done: false, value });
    }
    if (this.#waiters.length === 0) return;
    if (this.#phase === 'snapshot') void this.#read();
    else if (this.#phase === 'live') this.#wakeWhenDue(now);
  }

  #wakeWhenDue(now: number): void {
    const ms = this.#options.lane.dueIn(now);
    if (ms === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, Math.ceil(ms));
  }

  /** Reads the next chunk of the snapshot, for a client that waits for it. */
  async #read(): Promise<void> {
    const { snapshot } = this.#options;
    if (snapshot === undefined || this.#reading) return;
    this.#reading = true;
    const round = this.#round;
    try {
      this.#reader ??= snapshot.open();
      const { rows, complete, time } = await this.#reader.next();
      if (round === this.#round) this.#tell(snapshot, rows, complete, time);
    } catch (error) {
      if (round === this.#round) await this.#readAgain(error);
    }
    this.#reading = false;
    this.#pump();
  }

  #tell(snapshot: SnapshotSource<D, T>, rows: readonly D[], complete: boolean, time: Timestamp): void {
    this.#toldRows = true;
    snapshot.lane.hold(rows);
    this.#outbox.push(snapshot.item(rows, complete, cursorAt(time)));
    if (!complete) return;
    this.#reader?.close();
    this.#reader = undefined;
    this.#phase = 'live';
    const excess = snapshot.lane.cutover(time);
    if (excess !== undefined) this.#overflow(excess);
  }

  async #readAgain(error: unknown): Promise<void> {
    const { limits, onGap, place } = this.#options;
    this.#tries += 1;
    if (!mayReadAgain(error) || this.#tries >= limits.snapshotTries) return this.end(error);
    const reason: GapReason = 'SNAPSHOT_INTERRUPTED';
    const told = this.#toldRows;
    this.#restart();
    if (told) {
      onGap(reason);
      this.#outbox = [{ kind: 'gap', reason, cursor: cursorAt(place()) }];
    }
    await backoff(this.#tries, () => undefined);
  }

  /** Lets go of the snapshot being read and of what waits; what is kept aside stays. */
  #restart(): void {
    this.#round += 1;
    this.#toldRows = false;
    this.#reader?.close();
    this.#reader = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#options.lane.reset();
  }

  #heartbeat(): CommonItem {
    return { kind: 'heartbeat', at: new Date(), cursor: cursorAt(this.#options.place()) };
  }
}
