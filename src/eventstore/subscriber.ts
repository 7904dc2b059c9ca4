import { backoff } from './backoff.ts';
import { isBehind, type Place, placeBehind } from './cursor.ts';
import type { Delivery } from './delivery.ts';
import type { GapReason } from './feed-item.ts';
import type { Lane } from './feed-lane.ts';
import { type Excess, SlowConsumerError } from './feed-limits.ts';
import type { PastChange } from './feed-ring.ts';
import type { Interest } from './interest.ts';
import { mayReadAgain, type SnapshotReader } from './snapshot.ts';
import type {
  After,
  CommonItem,
  Member,
  Placed,
  SnapshotSource,
  SubscriberOptions,
  Taker,
} from './subscriber-options.ts';

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
  #taker: Taker<T | CommonItem> | undefined;
  /** Who asked while the taker was waiting: nobody, mostly. */
  #others: Taker<T | CommonItem>[] | undefined;
  #pumping = false;
  #phase: Phase = 'new';
  /** Goes before what the lane has. */
  #outbox: (T | CommonItem)[] = [];
  #reader: SnapshotReader<D> | undefined;
  /** Raised whenever the snapshot begins anew: what an older read brings is not wanted any more. */
  #round = 0;
  #reading = false;
  #tries = 0;
  #toldRows = false;
  /** What is still to be told of what the client missed, from `#missedAt` on. */
  #missed: readonly PastChange[] = [];
  #missedAt = 0;
  /** The client has more than the stream has come to yet. */
  #ahead: After | undefined;
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

  ask(taker: Taker<T | CommonItem>): void {
    this.#stalledSince = undefined;
    if (this.#phase === 'closed') {
      this.#tellEnd(taker);
      return;
    }
    if (this.#taker === undefined) this.#taker = taker;
    else {
      this.#others ??= [];
      this.#others.push(taker);
    }
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
    const kept = this.#phase !== 'live';
    try {
      const excess = kept ? lane.keep(delivery) : lane.accept(delivery);
      if (excess !== undefined) this.#overflow(excess);
    } catch (error) {
      this.end(error);
    }
    if (!kept && this.#taker !== undefined) this.#pump();
  }

  /** Changes were missed: tells so, and begins anew where there is a snapshot. */
  lost(reason: GapReason): void {
    if (this.#phase === 'new' || this.#phase === 'joining' || this.#phase === 'closed') return;
    const { snapshot, lane, place, cursorAt } = this.#options;
    this.#ahead = undefined;
    const isLive = this.#phase === 'live';
    if (snapshot !== undefined || !isLive) this.#restart();
    if (snapshot !== undefined) this.#beginSnapshot(reason);
    else {
      if (!isLive) this.#goLive(place(), cursorAt(place()));
      lane.say(this.#gap(reason, place()));
    }
    this.#pump();
  }

  /** Once a second or so: a heartbeat if it is quiet, the end if the client does not read. */
  tick(now: number): void {
    const { limits, lane } = this.#options;
    if (this.#taker !== undefined) {
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
    return this.#outbox.length + this.#options.lane.size + this.#missed.length - this.#missedAt;
  }

  /** Ends it from either side. */
  end(failure?: unknown): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#failure = failure;
    this.#restart();
    this.#outbox = [];
    this.#leave();
    for (let taker = this.#nextTaker(); taker !== undefined; taker = this.#nextTaker()) this.#tellEnd(taker);
  }

  /** Later, as all that is said of the end is. The first one hears why. */
  #tellEnd(taker: Taker<T | CommonItem>): void {
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
    if (snapshot !== undefined) return this.#beginSnapshot(after === undefined ? undefined : reason);
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
    const round = this.#round;
    this.#ahead = after;
    const held = await back.held;
    if (round !== this.#round) return true;
    if (held === undefined) {
      this.lost('HISTORY_LOST');
      return true;
    }
    snapshot?.hold(held);
    this.#missed = missed;
    this.#missedAt = 0;
    this.#phase = 'replay';
    return true;
  }

  /** Hands over some of what was missed; behind the last of it, what was kept. */
  #replay(after: After): void {
    const { lane, replayed } = this.#options;
    const some = this.#missed.slice(this.#missedAt, this.#missedAt + replayed);
    this.#missedAt += some.length;
    for (const change of some) {
      const excess = lane.accept(change.delivery() as Delivery<D>);
      if (excess === undefined) continue;
      this.#overflow(excess);
      return;
    }
    if (this.#missedAt < this.#missed.length) return;
    this.#missed = [];
    this.#missedAt = 0;
    this.#goLive(after, after.cursor);
    // So that the client knows that it has missed nothing.
    if (lane.size === 0) this.#outbox.push(this.#heartbeat());
  }

  #goLive(place: Place, cursor: string): void {
    this.#phase = 'live';
    const excess = this.#options.lane.cutover(place, cursor);
    if (excess !== undefined) this.#overflow(excess);
  }

  #beginSnapshot(reason: GapReason | undefined): void {
    const { place } = this.#options;
    this.#outbox = reason === undefined ? [] : [this.#gap(reason, place(), false)];
    this.#phase = 'snapshot';
    this.#tries = 0;
  }

  /** False for what the client has been told by another process, which was further than this one. */
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
      while (this.#taker !== undefined) {
        const value = this.#nextItem(now);
        if (value === undefined) break;
        this.#handedOverAt = now;
        this.#lastCursor = value.cursor;
        this.#nextTaker()?.resolve({ done: false, value });
      }
    } finally {
      this.#pumping = false;
    }
    if (this.#taker === undefined) return;
    if (this.#phase === 'snapshot') void this.#read();
    else if (this.#phase === 'live') this.#wakeWhenDue(now);
  }

  #nextTaker(): Taker<T | CommonItem> | undefined {
    const taker = this.#taker;
    this.#taker = this.#others?.shift();
    return taker;
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
    const { snapshot } = this.#options;
    if (snapshot === undefined || this.#reading) return;
    this.#reading = true;
    const round = this.#round;
    try {
      this.#reader ??= snapshot.open();
      const { rows, complete, time } = await this.#reader.next();
      if (round === this.#round) this.#tell(snapshot, rows, complete, placeBehind(time));
    } catch (error) {
      if (round === this.#round) await this.#readAgain(error);
    }
    this.#reading = false;
    this.#pump();
  }

  #tell(snapshot: SnapshotSource<D, T>, rows: readonly D[], complete: boolean, place: Place): void {
    this.#toldRows = true;
    snapshot.hold(rows);
    const cursor = this.#options.cursorAt(place, complete);
    this.#outbox.push(snapshot.item(rows, complete, cursor));
    if (!complete) return;
    this.#reader?.close();
    this.#reader = undefined;
    this.#goLive(place, cursor);
  }

  async #readAgain(error: unknown): Promise<void> {
    const { limits, place } = this.#options;
    this.#tries += 1;
    if (!mayReadAgain(error) || this.#tries >= limits.snapshotTries) return this.end(error);
    const told = this.#toldRows;
    this.#restart();
    if (told) this.#outbox = [this.#gap('SNAPSHOT_INTERRUPTED', place(), false)];
    await backoff(this.#tries, () => undefined);
  }

  /** Lets go of the snapshot being read and of what waits; what is kept aside stays. */
  #restart(): void {
    this.#round += 1;
    this.#toldRows = false;
    this.#missed = [];
    this.#missedAt = 0;
    this.#reader?.close();
    this.#reader = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
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
