import type { StoredEvent } from '../event.ts';
import type { Row } from '../projection.ts';
import type { GapReason } from './gap.ts';

/** Every item carries the cursor to go on from behind it, opaque to clients. */
interface Item<K extends string> {
  readonly kind: K;
  readonly cursor: string;
}

/** Rows that matched when the subscription began; `complete` on the last of these items, of which there is always one. */
export interface SnapshotItem<R> extends Item<'snapshot'> {
  readonly rows: readonly R[];
  readonly complete: boolean;
}

export interface GapItem extends Item<'gap'> {
  readonly reason: GapReason;
}

/** Nothing happened for a while; the feed is alive. */
export interface HeartbeatItem extends Item<'heartbeat'> {
  readonly at: Date;
}

/** What every subscription may bring. */
export type CommonItem = GapItem | HeartbeatItem;

/** The ordered lane: every change of every matching row, one by one. `left`: the row matches no longer. */
export type OrderedChange<R extends Row> =
  | SnapshotItem<R>
  | (Item<'updated'> & { readonly row: R })
  | (Item<'left'> & { readonly id: string })
  | CommonItem;

/** The latest lane: frames with the newest row of whatever changed since the last frame. */
export type FrameChange<R extends Row> =
  | SnapshotItem<R>
  | (Item<'moved'> & { readonly rows: readonly R[] })
  | (Item<'left'> & { readonly ids: readonly string[] })
  | CommonItem;

/** The log lane: events as they are recorded. It begins with a heartbeat, which says: from here on, all of them. */
export type LogChange = (Item<'appended'> & { readonly event: StoredEvent }) | CommonItem;
