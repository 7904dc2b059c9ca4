/**
 * In come deliveries of the source (`accept`); out go items, as the client asks for them (`take`). The phases:
 * 1. new: the client has not asked for anything yet.
 * 2. joining: registers with the source. From now on the lane buffers what is delivered.
 * 3. returning: only with a cursor; finds out which rows the client had there.
 * 4. replay: after 3; the lane accepts what the client missed, part by part as the client takes the items.
 * 5. snapshot: instead of 3 and 4, where there are rows; reads those that match, a chunk whenever the client asks.
 * 6. live: the lane has accepted what it buffered and the client had not got; deliveries now go straight to it. Where
 *    changes were `lost`, a Gap follows, and where there are rows 5 again.
 * 7. closed: ended by the client, by the feed or by a failure.
 * To be read in this order: members.ts; iterator.ts (the client's side); options.ts and this file;
 * snapshot-reader.ts; lane.ts, then ordered-lane.ts, latest-lane.ts and log-lane.ts, which use
 * the feed's queue.ts.
 */
import type { RowSnapshotChunk } from '../../projection/row-snapshot.ts';
import {
  type Delivery,
  isBehind,
  type PastChange,
  type Place,
  placeBehind,
  type ResumePoint,
  writeCursor,
} from '../cursor.ts';
import { GAP_REASONS, type GapCause } from '../gap.ts';
import type { CommonItem } from '../item.ts';
import { type Excess, SlowConsumerError } from '../limits.ts';
import type { Receiver } from '../source/receivers.ts';
import type { Resumed, Source } from '../source/source.ts';
import type { Member } from './members.ts';
import type { SubscriberOptions } from './options.ts';
import { SnapshotReader } from './snapshot-reader.ts';

export type Phase = 'new' | 'joining' | 'returning' | 'replay' | 'snapshot' | 'live' | 'closed';

/** Missed changes that a lane with a queue accepts at once; the latest lane folds them, and so takes all. */
const REPLAYED = 256;

/** Makes the items of one subscription. Only its iterator calls it, and ends it when it throws. */
export class Subscriber<D extends object, T extends { readonly cursor: string }> {
  readonly #options: SubscriberOptions<D, T>;
  #phase: Phase = 'new';
  #source: Source | undefined;
  #leave: (() => void) | undefined;
  /** Goes before what the lane has. */
  #outbox: (T | CommonItem)[] = [];
  #snapshot: SnapshotReader<D> | undefined;
  /** What the client missed while it was away, and how much of it the lane has accepted. */
  #missed: readonly PastChange[] | undefined;
  #replayed = 0;
  /** Where the client is, as long as the source has not come as far. */
  #ahead: Place | undefined;
  #isCaughtUp = false;
  #lastCursor: string;

  constructor(options: SubscriberOptions<D, T>) {
    this.#options = options;
    this.#lastCursor = options.after?.cursor ?? '';
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Of the item that was taken last, or where the client said it was. */
  get lastCursor(): string {
    return this.#lastCursor;
  }

  /** How much waits for the client. */
  get waiting(): number {
    const missed = this.#missed === undefined ? 0 : this.#missed.length - this.#replayed;
    return this.#outbox.length + this.#options.lane.size + missed;
  }

  /** Whether the client would get something if it asked. */
  get hasMore(): boolean {
    const isReading = this.#phase === 'snapshot' || this.#phase === 'replay';
    return isReading || this.#outbox.length > 0 || this.#options.lane.size > 0;
  }

  /**
   * Registers with the source: where the client was, if it says so and that is possible; else at the present place.
   * @throws what MongoDB throws; where the feed is closed
   */
  async join(self: Member & Receiver): Promise<void> {
    this.#phase = 'joining';
    const { feed, name, selection, after, rows } = this.#options;
    feed.members.enter(self);
    this.#source = await feed.sources.of(name === 'events' ? 'events' : 'rows');
    const cause = after === undefined ? undefined : await this.#resume(self, this.#source, after);
    if (cause === 'resumed') return;
    const { place, leave } = await this.#source.join(name, selection.tenantId, self);
    if (!this.#enter(leave)) return;
    if (rows !== undefined) return this.#beginSnapshot(cause);
    this.#outbox.push(cause === undefined ? this.#heartbeat(this.#cursorAt(place)) : this.#gap(cause, place));
    this.#goLive(place, this.#cursorAt(place));
  }

  /** A change, from the source. @throws what a filter throws; SlowConsumerError */
  accept(delivery: Delivery<D>): void {
    if (this.#phase === 'closed' || !this.#isNews(delivery)) return;
    const { lane } = this.#options;
    if (this.#phase !== 'live') {
      check(lane.buffer(delivery));
      return;
    }
    check(lane.accept(delivery));
    this.checkCaughtUp();
  }

  /** Changes were missed: says so, and begins anew where there are rows. */
  lost(cause: GapCause): void {
    if (this.#phase === 'new' || this.#phase === 'joining' || this.#phase === 'closed') return;
    this.#ahead = undefined;
    if (this.#options.rows !== undefined) {
      this.#restart();
      this.#beginSnapshot(cause);
      return;
    }
    if (this.#phase !== 'live') {
      this.#restart();
      this.#goLive(this.#place(), this.#cursorAt(this.#place()));
    }
    this.#options.lane.push(this.#gap(cause, this.#place()));
  }

  /** The next item for the client, if one is due. */
  take(now: number): T | CommonItem | undefined {
    for (;;) {
      const item = this.#outbox.length > 0 ? this.#outbox.shift() : this.#options.lane.take(now);
      if (item !== undefined) {
        this.#lastCursor = item.cursor;
        return item;
      }
      if (this.#phase !== 'replay' || this.#missed === undefined) return undefined;
      this.#replay(this.#missed);
    }
  }

  /** Milliseconds until the lane has something that is due; undefined when nothing waits. */
  dueIn(now: number): number | undefined {
    return this.#options.lane.dueIn(now);
  }

  /** Nothing has happened for a while. */
  pushHeartbeat(): void {
    const now = this.#place();
    // What the lane still has to give lies before the present.
    const isBefore = this.#options.lane.size > 0 || (this.#ahead !== undefined && isBehind(this.#ahead, now));
    this.#outbox.push(this.#heartbeat(isBefore ? this.#lastCursor : this.#cursorAt(now)));
  }

  /** In the phase live: where the source has come as far as the client, the lane is told, once. */
  checkCaughtUp(): void {
    if (this.#isCaughtUp || this.#phase !== 'live') return;
    if (this.#ahead !== undefined && isBehind(this.#ahead, this.#place())) return;
    this.#ahead = undefined;
    this.#isCaughtUp = true;
    this.#options.lane.caughtUp?.();
  }

  /** A chunk of the snapshot is being read. */
  get isReading(): boolean {
    return this.#snapshot?.isBusy === true;
  }

  /** Reads the next chunk of the snapshot. @throws what MongoDB throws, once it has been tried often enough; SlowConsumerError */
  async readSnapshot(): Promise<void> {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return;
    const chunk = await snapshot.next().catch((error: unknown) => {
      // Of one that nobody reads any more it does not matter.
      if (snapshot === this.#snapshot) throw error;
    });
    // Otherwise another one was begun meanwhile, or the subscription has ended.
    if (snapshot !== this.#snapshot || chunk === undefined) return;
    if (chunk !== 'broken' && chunk !== 'brokenAmid') return this.#takeChunk(chunk);
    this.#letGo();
    if (chunk === 'brokenAmid') this.#outbox = [this.#gap('snapshotBroken', this.#place(), false)];
  }

  close(): void {
    this.#phase = 'closed';
    this.#restart();
    this.#outbox = [];
    if (this.#leave === undefined) return;
    this.#leave();
    this.#options.feed.observer.subscribed(this.#options.laneName, -1);
  }

  /** @returns why not, where the client cannot go on from where it was; then nothing has been done */
  async #resume(self: Receiver, source: Source, after: ResumePoint): Promise<'resumed' | GapCause> {
    const { feed, name, selection, laneName } = this.#options;
    const { timeline } = this.#options.feed;
    if (after.timeline !== timeline.id || timeline.isAway(after.time)) return 'otherTimeline';
    if (!after.complete) return 'partialSnapshot';
    const resumed = await source.resume(name, selection.tenantId, after, self);
    const isFound = typeof resumed !== 'string';
    feed.observer.resumed(laneName, isFound ? resumed.past.source : 'nowhere');
    if (!isFound) return resumed;
    if (this.#enter(resumed.leave)) await this.#return(after, resumed);
    return 'resumed';
  }

  async #return(after: ResumePoint, resumed: Resumed): Promise<void> {
    const { feed, rows, lane } = this.#options;
    this.#phase = 'returning';
    this.#ahead = after;
    const held = rows === undefined ? [] : await feed.heldAt.at(rows.selection, after, resumed);
    // Anything may have happened while it waited.
    if (!this.#isReturning()) return;
    if (held === undefined) return this.lost('heldRowsUnknown');
    lane.hold?.(held);
    this.#missed = resumed.past.missed;
    this.#replayed = 0;
    this.#phase = 'replay';
  }

  #isReturning(): boolean {
    return this.#phase === 'returning';
  }

  /** @returns false where the subscription was ended meanwhile */
  #enter(leave: () => void): boolean {
    if (this.#phase === 'closed') {
      leave();
      return false;
    }
    this.#leave = leave;
    this.#options.feed.observer.subscribed(this.#options.laneName, 1);
    return true;
  }

  /** The lane accepts some of what the client missed; behind the last of it, what was buffered. */
  #replay(missed: readonly PastChange[]): void {
    const { lane, laneName, after } = this.#options;
    const some = missed.slice(this.#replayed, laneName === 'latest' ? undefined : this.#replayed + REPLAYED);
    this.#replayed += some.length;
    for (const change of some) check(lane.accept(change.delivery() as Delivery<D>));
    if (this.#replayed < missed.length || after === undefined) return;
    this.#missed = undefined;
    this.#goLive(after, after.cursor);
    // So that the client knows that it has missed nothing.
    if (lane.size === 0) this.pushHeartbeat();
  }

  #goLive(place: Place, cursor: string): void {
    this.#phase = 'live';
    check(this.#options.lane.cutover(place, cursor));
    this.checkCaughtUp();
  }

  /** False for what the client has already: from another process that was further, or in its snapshot. */
  #isNews(delivery: Delivery<D>): boolean {
    if (this.#ahead === undefined) return true;
    if (!isBehind(delivery.place, this.#ahead)) return false;
    this.#ahead = undefined;
    return true;
  }

  #beginSnapshot(cause: GapCause | undefined): void {
    const { rows, feed } = this.#options;
    if (rows === undefined) return;
    this.#outbox = cause === undefined ? [] : [this.#gap(cause, this.#place(), false)];
    this.#phase = 'snapshot';
    const open = () => rows.openSnapshot(this.#place().time);
    this.#snapshot = new SnapshotReader(open, feed.limits.snapshotTries);
  }

  #takeChunk({ rows, complete, time }: RowSnapshotChunk<D>): void {
    const place = placeBehind(time);
    const cursor = this.#cursorAt(place, complete);
    this.#options.lane.hold?.(rows);
    const item = this.#options.rows?.item(rows, complete, cursor);
    if (item !== undefined) this.#outbox.push(item);
    if (!complete) return;
    this.#closeSnapshot();
    if (isBehind(place, this.#place())) this.#ahead = place;
    this.#goLive(place, cursor);
  }

  #closeSnapshot(): void {
    this.#snapshot?.close();
    this.#snapshot = undefined;
  }

  /** Lets go of the snapshot being read and of what waits; what is buffered stays. */
  #restart(): void {
    this.#closeSnapshot();
    this.#letGo();
  }

  #letGo(): void {
    this.#missed = undefined;
    this.#isCaughtUp = false;
    this.#options.lane.reset();
  }

  /** How far the source has come. */
  #place(): Place {
    if (this.#source === undefined) throw new Error('The subscriber has not joined a source yet.');
    return this.#source.place(this.#options.name);
  }

  /** @param complete false where the client cannot go on from there */
  #cursorAt(place: Place, complete = true): string {
    const { scope, feed } = this.#options;
    return writeCursor(scope, place, feed.timeline.id, complete);
  }

  #heartbeat(cursor: string): CommonItem {
    return { kind: 'heartbeat', at: new Date(), cursor };
  }

  #gap(cause: GapCause, place: Place, complete = true): CommonItem {
    const reason = GAP_REASONS[cause];
    this.#options.feed.observer.gap(reason);
    return { kind: 'gap', reason, cursor: this.#cursorAt(place, complete) };
  }
}

/** @throws SlowConsumerError */
function check(excess: Excess | undefined): void {
  if (excess !== undefined) throw new SlowConsumerError(excess);
}
