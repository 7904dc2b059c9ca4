import type { Interest } from '../../interest.ts';
import type { RowSnapshot } from '../../projection/row-snapshot.ts';
import type { Place, Told } from '../cursor.ts';
import type { GapItem, GapReason, HeartbeatItem } from '../item.ts';
import type { Excess, FeedLimits } from '../limits.ts';
import type { HeldRow } from '../source/held-at.ts';
import type { PastChange } from '../source/ring.ts';
import type { Joined, Receiver } from '../source/source.ts';
import type { Lane } from './lane.ts';

/** Who is handed an item, or told of the end. What it does with it must not throw. */
export interface ItemRequest<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/** What every subscription may tell. */
export type CommonItem = GapItem | HeartbeatItem;

/** A subscriber, seen from the feed. */
export interface Member extends Receiver {
  tick(now: number): void;
  end(): void;
  readonly waiting: number;
}

/** How a subscriber begins with a snapshot. */
export interface SnapshotSource<D extends object, T extends Placed> {
  /** Tells the lane what the client has. */
  hold(rows: readonly (D | HeldRow)[]): void;
  open(): RowSnapshot<D>;
  item(rows: readonly D[], complete: boolean, cursor: string): T;
}

/** A subscriber that goes on from where its client was. */
export interface Comeback extends Joined {
  readonly missed: readonly PastChange[];
  /** What the client has; undefined where that cannot be told any more. */
  readonly held: Promise<readonly HeldRow[] | undefined>;
}

/** Where a client was. */
export interface After extends Told {
  readonly cursor: string;
}

/** What a subscription tells, each with its place. */
export interface Placed {
  readonly cursor: string;
}

export interface SubscriberOptions<D extends object, T extends Placed> {
  readonly lane: Lane<D, T | CommonItem>;
  /** Absent: the subscription begins with a heartbeat and what comes next. */
  readonly snapshot?: SnapshotSource<D, T>;
  /** What a change must touch to concern the subscriber; absent: nothing. */
  readonly interest?: Interest<D> | undefined;
  readonly limits: FeedLimits;
  /** Absent: the subscription begins anew. */
  readonly after?: After | undefined;
  /** How many missed changes are handed to the lane before their items are taken. */
  readonly replayed: number;
  /** Registers with the feed, once its stream is open. */
  join(self: Member): Promise<Joined>;
  /** The same for a client that was there before. @returns undefined where what it missed cannot be told */
  resume(self: Member, after: After): Promise<Comeback | undefined>;
  /** The feed's present place. */
  place(): Place;
  /** @param complete false where the client cannot go on from there */
  cursorAt(place: Place, complete?: boolean): string;
  onGap(reason: GapReason): void;
  onOverflow(limit: Excess): void;
}
