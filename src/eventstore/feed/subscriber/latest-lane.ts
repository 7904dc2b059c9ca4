import type { Row } from '../../projection.ts';
import { type Delivery, isBehind, type Place } from '../cursor.ts';
import type { FrameChange } from '../item.ts';
import type { FeedLimits } from '../limits.ts';
import type { HeldRow } from '../source/held-at.ts';
import type { SnapshotLane } from './lane.ts';

/** However small `maxPerSecond` is; timers know no more than 2^31 ms. */
const LONGEST_INTERVAL_MS = 3_600_000;

/**
 * The newest row of whatever changed, in frames: at most `maxPerSecond` of them, the first at once. A client that reads
 * slowly gets fewer frames, never a growing queue. Rows that came and went between two frames are not mentioned.
 * A frame with rows that left goes out as two items, `left` and `moved`, one right after the other. A client that resumes
 * from between the two gets all of it again: only the last item of a frame has the cursor behind it.
 */
export function openLatestLane<R extends Row>(
  matches: (row: R) => boolean,
  maxPerSecond: number | undefined,
  limits: FeedLimits,
): SnapshotLane<R, FrameChange<R>> {
  return new LatestLane(matches, maxPerSecond, limits);
}

class LatestLane<R extends Row> implements SnapshotLane<R, FrameChange<R>> {
  readonly #matches: (row: R) => boolean;
  readonly #limits: FeedLimits;
  /** Between two frames, in ms. */
  readonly #interval: number;
  // There are thousands of subscribers, and most of them have nothing in these: each is made when something goes in.
  /** What the client has: id to lastSequence. */
  #held: Map<string, number> | undefined;
  /** What goes into the next frame, oldest first; null: the row left. */
  #pending: Map<string, R | null> | undefined;
  /** Rows the client has that were gone since the last frame: one may be back as another row of the same sequence. */
  #gone: Set<string> | undefined;
  #buffered: Map<string, Delivery<R>> | undefined;
  #bufferedGone: Set<string> | undefined;
  /** Items that go before the next frame. */
  #ready: FrameChange<R>[] | undefined;
  /** The last change of the next frame. */
  #newest: Delivery<R> | undefined;
  /** Behind everything that the client has. */
  #cursor = '';
  #nextFrameAt = 0;

  constructor(matches: (row: R) => boolean, maxPerSecond: number | undefined, limits: FeedLimits) {
    this.#matches = matches;
    this.#limits = limits;
    this.#interval = maxPerSecond === undefined ? 0 : Math.min(1_000 / maxPerSecond, LONGEST_INTERVAL_MS);
  }

  accept(delivery: Delivery<R>) {
    const { id, document: row } = delivery;
    this.#newest = delivery;
    if (row !== null && this.#matches(row)) {
      const held = this.#gone?.has(id) ? 0 : (this.#held?.get(id) ?? 0);
      this.#pending ??= new Map();
      if (row.lastSequence > Math.max(held, this.#pending.get(id)?.lastSequence ?? 0))
        this.#pending.set(id, row);
    } else if (this.#held?.has(id)) {
      this.#pending ??= new Map();
      this.#pending.set(id, null);
      this.#goes(id);
    } else this.#pending?.delete(id);
    return (this.#pending?.size ?? 0) > this.#limits.pendingRows ? 'pendingRows' : undefined;
  }

  buffer(delivery: Delivery<R>) {
    this.#buffered ??= new Map();
    // Put last, so that the order is the feed's and the last one has the next frame's cursor.
    this.#buffered.delete(delivery.id);
    this.#buffered.set(delivery.id, delivery);
    if (delivery.document === null) {
      this.#bufferedGone ??= new Set();
      this.#bufferedGone.add(delivery.id);
    }
    return this.#buffered.size > this.#limits.pendingRows ? 'pendingRows' : undefined;
  }

  hold(rows: readonly HeldRow[]) {
    for (const row of rows) this.#hold(row);
  }

  cutover(place: Place, cursor: string) {
    this.#cursor = cursor;
    const deliveries = this.#buffered;
    for (const id of this.#bufferedGone ?? []) if (this.#held?.has(id)) this.#goes(id);
    this.#buffered = undefined;
    this.#bufferedGone = undefined;
    for (const delivery of deliveries?.values() ?? []) {
      const excess = isBehind(delivery.place, place) ? this.accept(delivery) : undefined;
      if (excess !== undefined) return excess;
    }
    return undefined;
  }

  push(item: FrameChange<R>) {
    this.#ready ??= [];
    this.#ready.push(item);
  }

  take(now: number) {
    const waiting = this.#ready?.shift();
    if (waiting !== undefined || this.#pending === undefined) return waiting;
    if (this.#pending.size > 0 && now >= this.#nextFrameAt) this.#frame(this.#pending, now);
    return this.#ready?.shift();
  }

  dueIn(now: number) {
    if (this.#ready !== undefined && this.#ready.length > 0) return 0;
    const waits = this.#pending !== undefined && this.#pending.size > 0;
    return waits ? Math.max(0, this.#nextFrameAt - now) : undefined;
  }

  reset() {
    this.#held = undefined;
    this.#gone = undefined;
    this.#pending = undefined;
    this.#ready = undefined;
    this.#newest = undefined;
  }

  get size() {
    return (this.#pending?.size ?? 0) + (this.#buffered?.size ?? 0) + (this.#ready?.length ?? 0);
  }

  #hold({ id, lastSequence }: HeldRow): void {
    this.#held ??= new Map();
    this.#held.set(id, lastSequence);
  }

  #goes(id: string): void {
    this.#gone ??= new Set();
    this.#gone.add(id);
  }

  /** Makes the next frame of what is pending, and notes what the client has then. */
  #frame(pending: Map<string, R | null>, now: number): void {
    const rows: R[] = [];
    const ids: string[] = [];
    for (const [id, row] of pending) {
      if (rows.length + ids.length === this.#limits.frameRows) break;
      pending.delete(id);
      const wasGone = this.#gone?.delete(id) === true;
      const isBack = wasGone && row !== null && row.lastSequence <= (this.#held?.get(id) ?? 0);
      if (row === null || isBack) {
        this.#held?.delete(id);
        ids.push(id);
      }
      if (row !== null) {
        this.#hold(row);
        rows.push(row);
      }
    }
    this.#nextFrameAt = now + this.#interval;
    const before = this.#cursor;
    if (pending.size === 0 && this.#newest !== undefined) this.#cursor = this.#newest.cursor;
    if (ids.length > 0) this.push({ kind: 'left', ids, cursor: rows.length > 0 ? before : this.#cursor });
    if (rows.length > 0) this.push({ kind: 'moved', rows, cursor: this.#cursor });
  }
}
