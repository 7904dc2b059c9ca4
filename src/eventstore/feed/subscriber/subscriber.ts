import type { Interest } from '../../interest.ts';
import type { RowSnapshotChunk } from '../../projection/row-snapshot.ts';
import { isBehind, type Place, placeBehind } from '../cursor.ts';
import type { Delivery } from '../delivery.ts';
import type { GapReason } from '../item.ts';
import { type Excess, SlowConsumerError } from '../limits.ts';
import { Backlog } from './backlog.ts';
import type { Lane } from './lane.ts';
import type {
  After,
  CommonItem,
  ItemRequest,
  Member,
  Placed,
  SnapshotSource,
  SubscriberOptions,
} from './options.ts';
import { PendingRequests } from './pending.ts';
import { RetryingSnapshotReader } from './snapshot-reader.ts';

/** `returning`: it is being found out what the client has. `replay`: what it missed is being told. */
type Phase = 'new' | 'joining' | 'returning' | 'replay' | 'snapshot' | 'live' | 'closed';

/**
 * One subscription: an iterator on the client's side, `accept` on the feed's. Written by hand, since a generator's
 * `return()` waits for its pending `next()`, which on a quiet subscription is for ever.
 */
export class Subscriber<D extends object, T extends Placed>
  implements AsyncIterableIterator<T | CommonItem>, Member
{
  readonly #options: SubscriberOptions<D, T>;
  readonly #lane: Lane<D, T | CommonItem>;
  readonly #pending = new PendingRequests<T | CommonItem>();
  #pumping = false;
  #phase: Phase = 'new';
  /** Goes before what the lane has. */
  #outbox: (T | CommonItem)[] = [];
  /** What another one brings is not wanted any more. */
  #snapshot: RetryingSnapshotReader<D, T> | undefined;
  #backlog: Backlog<D> | undefined;
  /** The client has more than the stream has come to yet. */
  #ahead: Place | undefined;
  #isLevel = false;
  #lastCursor: string;
  #leave: () => void = () => undefined;
  #failure: unknown;
  #timer: NodeJS.Timeout | undefined;
  #handedOverAt = performance.now();
  #stalledSince: number | undefined;

  constructor(options: SubscriberOptions<D, T>) {
    this.#options = options;
    this.#lane = options.lane;
    this.#lastCursor = options.after?.cursor ?? '';
  }

  /** Of the item that was handed over last, or where the client said it was. */
  get lastCursor(): string {
    return this.#lastCursor;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T | CommonItem, undefined>> {
    return new Promise((resolve, reject) => this.ask({ resolve, reject }));
  }

  ask(taker: ItemRequest<T | CommonItem>): void {
    this.#stalledSince = undefined;
    if (this.#phase === 'closed') {
      this.#tellEnd(taker);
      return;
    }
    this.#pending.push(taker);
    if (this.#phase === 'new') this.#begin();
    else if (!this.#pumping) this.#pump();
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

  get interest(): Interest<D> | undefined {
    return this.#options.interest;
  }

  /** A change, from the feed. Never throws: a filter that does ends its own subscription only. */
  accept(delivery: Delivery<D>): void {
    if (this.#phase === 'closed' || !this.#isNews(delivery)) return;
    const lane = this.#lane;
    const buffered = this.#phase !== 'live';
    try {
      const excess = buffered ? lane.buffer(delivery) : lane.accept(delivery);
      if (excess !== undefined) this.#overflow(excess);
      else if (!buffered) this.#settle();
    } catch (error) {
      this.end(error);
    }
    if (!buffered && !this.#pending.isEmpty) this.#pump();
  }

  /** Changes were missed: tells so, and begins anew where there is a snapshot. */
  lost(reason: GapReason): void {
    if (this.#phase === 'new' || this.#phase === 'joining' || this.#phase === 'closed') return;
    const { snapshot, lane, place, cursorAt } = this.#options;
    this.#ahead = undefined;
    const isLive = this.#phase === 'live';
    if (snapshot !== undefined || !isLive) this.#restart();
    if (snapshot !== undefined) this.#beginSnapshot(snapshot, reason);
    else {
      if (!isLive) this.#goLive(place(), cursorAt(place()));
      lane.push(this.#gap(reason, place()));
    }
    this.#pump();
  }

  /** Once a second or so: a heartbeat if it is quiet, the end if the client does not read. */
  tick(now: number): void {
    const { limits, lane } = this.#options;
    if (this.#phase === 'live') this.#settle();
    if (!this.#pending.isEmpty) {
      if (this.#phase === 'live' && now - this.#handedOverAt >= limits.heartbeatMs) {
        this.#outbox.push(this.#heartbeat());
        this.#pump();
      }
    } else if (
      this.#outbox.length > 0 ||
      lane.size > 0 ||
      this.#phase === 'snapshot' ||
      this.#phase === 'replay'
    ) {
      this.#stalledSince ??= now;
      if (now - this.#stalledSince >= limits.stalledMs) this.#overflow('stalledMs');
    }
  }

  /** How much waits for the client. */
  get waiting(): number {
    return this.#outbox.length + this.#options.lane.size + (this.#backlog?.length ?? 0);
  }

  /** Ends it from either side. */
  end(failure?: unknown): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#failure = failure;
    this.#restart();
    this.#outbox = [];
    this.#leave();
    for (let taker = this.#pending.shift(); taker !== undefined; taker = this.#pending.shift())
      this.#tellEnd(taker);
  }

  /** Later, as all that is said of the end is. The first one hears why. */
  #tellEnd(taker: ItemRequest<T | CommonItem>): void {
    const failure = this.#failure;
    this.#failure = undefined;
    queueMicrotask(() => {
      if (failure === undefined) taker.resolve({ done: true, value: undefined });
      else taker.reject(failure);
    });
  }

  #overflow(limit: Excess): void {
    this.end(new SlowConsumerError(limit));
    this.#options.onOverflow(limit);
  }

  #begin(): void {
    this.#phase = 'joining';
    this.#enter().then(
      () => this.#pump(),
      (error) => this.end(error),
    );
  }

  async #enter(): Promise<void> {
    const { after, snapshot, join, cursorAt } = this.#options;
    if (after?.complete === true && (await this.#comeBack(after))) return;
    const { leave, place } = await join(this);
    if (this.#phase === 'closed') return leave();
    this.#leave = leave;
    const reason = after?.complete === false ? 'SNAPSHOT_INTERRUPTED' : 'HISTORY_LOST';
    if (snapshot !== undefined)
      return this.#beginSnapshot(snapshot, after === undefined ? undefined : reason);
    const cursor = cursorAt(place);
    this.#outbox.push(
      after === undefined ? { kind: 'heartbeat', at: new Date(), cursor } : this.#gap(reason, place),
    );
    this.#goLive(place, cursor);
  }

  /** Goes on from where the client was. @returns false where that is not possible; then nothing has been done */
  async #comeBack(after: After): Promise<boolean> {
    const { snapshot, resume } = this.#options;
    const back = await resume(this, after);
    if (back === undefined) return false;
    const { leave, missed } = back;
    if (this.#phase === 'closed') {
      leave();
      back.held.catch(() => undefined);
      return true;
    }
    this.#leave = leave;
    this.#phase = 'returning';
    this.#ahead = after;
    const held = await back.held;
    if (!this.#isReturning()) return true;
    if (held === undefined) {
      this.lost('HISTORY_LOST');
      return true;
    }
    snapshot?.hold(held);
    this.#backlog = new Backlog(missed);
    this.#phase = 'replay';
    return true;
  }

  /** Still: anything may have happened while it waited. */
  #isReturning(): boolean {
    return this.#phase === 'returning';
  }

  /** Hands over some of what was missed; behind the last of it, what was buffered. */
  #replay(after: After): void {
    const { lane, replayed } = this.#options;
    const excess = this.#backlog?.tell(lane, replayed);
    if (excess !== undefined) {
      this.#overflow(excess);
      return;
    }
    if ((this.#backlog?.length ?? 0) > 0) return;
    this.#backlog = undefined;
    this.#goLive(after, after.cursor);
    // So that the client knows that it has missed nothing.
    if (lane.size === 0) this.#outbox.push(this.#heartbeat());
  }

  #goLive(place: Place, cursor: string): void {
    this.#phase = 'live';
    const excess = this.#options.lane.cutover(place, cursor);
    if (excess !== undefined) this.#overflow(excess);
    else this.#settle();
  }

  /** Where the stream has come as far as the client, the lane may know so, once. */
  #settle(): void {
    if (this.#isLevel || (this.#ahead !== undefined && isBehind(this.#ahead, this.#options.place()))) return;
    this.#ahead = undefined;
    this.#isLevel = true;
    this.#lane.caughtUp?.();
  }

  #beginSnapshot(source: SnapshotSource<D, T>, reason: GapReason | undefined): void {
    const { place, limits } = this.#options;
    this.#outbox = reason === undefined ? [] : [this.#gap(reason, place(), false)];
    this.#phase = 'snapshot';
    this.#snapshot = new RetryingSnapshotReader({
      source,
      tries: limits.snapshotTries,
      onBreak: (told) => this.#breakOff(told),
    });
  }

  /** False for what the client has already: from another process that was further, or in its snapshot. */
  #isNews(delivery: Delivery<D>): boolean {
    if (this.#ahead === undefined) return true;
    if (!isBehind(delivery.place, this.#ahead)) return false;
    this.#ahead = undefined;
    return true;
  }

  /** Hands over what is due; where nothing is, sees to it that something will be. */
  #pump(): void {
    const now = performance.now();
    this.#pumping = true;
    try {
      while (!this.#pending.isEmpty) {
        const value = this.#nextItem(now);
        if (value === undefined) break;
        this.#handedOverAt = now;
        this.#lastCursor = value.cursor;
        this.#pending.shift()?.resolve({ done: false, value });
      }
    } finally {
      this.#pumping = false;
    }
    if (this.#pending.isEmpty) return;
    if (this.#phase === 'snapshot') void this.#read();
    else if (this.#phase === 'live') this.#wakeWhenDue(now);
  }

  #nextItem(now: number): T | CommonItem | undefined {
    let value = this.#take(now);
    while (value === undefined && this.#phase === 'replay' && this.#options.after !== undefined) {
      this.#replay(this.#options.after);
      value = this.#take(now);
    }
    return value;
  }

  #take(now: number): T | CommonItem | undefined {
    return this.#outbox.length > 0 ? this.#outbox.shift() : this.#lane.take(now);
  }

  #wakeWhenDue(now: number): void {
    const ms = this.#lane.dueIn(now);
    if (ms === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, Math.ceil(ms));
  }

  /** Reads the next chunk of the snapshot, for a client that waits for it. */
  async #read(): Promise<void> {
    const telling = this.#snapshot;
    if (telling === undefined || telling.isBusy) return;
    try {
      const chunk = await telling.next();
      if (telling === this.#snapshot) this.#tell(telling.source, chunk);
    } catch (error) {
      if (telling === this.#snapshot) this.end(error);
    }
    this.#pump();
  }

  #tell(source: SnapshotSource<D, T>, { rows, complete, time }: RowSnapshotChunk<D>): void {
    const place = placeBehind(time);
    source.hold(rows);
    const cursor = this.#options.cursorAt(place, complete);
    this.#outbox.push(source.item(rows, complete, cursor));
    if (!complete) return;
    this.#stopTelling();
    if (isBehind(place, this.#options.place())) this.#ahead = place;
    this.#goLive(place, cursor);
  }

  #breakOff(told: boolean): void {
    this.#letGo();
    if (told) this.#outbox = [this.#gap('SNAPSHOT_INTERRUPTED', this.#options.place(), false)];
    this.#pump();
  }

  #stopTelling(): void {
    this.#snapshot?.close();
    this.#snapshot = undefined;
  }

  /** Lets go of the snapshot being read and of what waits; what is buffered aside stays. */
  #restart(): void {
    this.#stopTelling();
    this.#letGo();
  }

  #letGo(): void {
    this.#backlog = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isLevel = false;
    this.#options.lane.reset();
  }

  #heartbeat(): CommonItem {
    return { kind: 'heartbeat', at: new Date(), cursor: this.#cursorNow() };
  }

  /** Where the client is when it has what was handed over. */
  #cursorNow(): string {
    const { lane, place, cursorAt } = this.#options;
    const now = place();
    // What a frame has still to tell lies before the present.
    if (lane.size > 0 || (this.#ahead !== undefined && isBehind(this.#ahead, now))) return this.#lastCursor;
    return cursorAt(now);
  }

  #gap(reason: GapReason, place: Place, complete = true): CommonItem {
    const { onGap, cursorAt } = this.#options;
    onGap(reason);
    return { kind: 'gap', reason, cursor: cursorAt(place, complete) };
  }
}
