import { isBehind } from './cursor.ts';
import type { Delivery } from './delivery.ts';
import type { FrameChange } from './feed-item.ts';
import type { SnapshotLane } from './feed-lane.ts';
import type { FeedLimits } from './feed-limits.ts';
import type { Row } from './projection.ts';

/** However small `maxPerSecond` is; timers know no more than 2^31 ms. */
const LONGEST_INTERVAL_MS = 3_600_000;

/**
 * The newest row of whatever changed, in frames: at most `maxPerSecond` of them, the first at once. A client that reads
 * slowly gets fewer frames, never a growing queue. Rows that came and went between two frames are not mentioned.
 * A frame whose rows left goes out as two items, `left` and `moved`, one right after the other. Whoever resumes from amid
 * such a frame is told all of it again: only the last item of what is pending says where the client is.
 */
export function openLatestLane<R extends Row>(
  matches: (row: R) => boolean,
  maxPerSecond: number | undefined,
  limits: FeedLimits,
): SnapshotLane<R, FrameChange<R>> {
  const interval = maxPerSecond === undefined ? 0 : Math.min(1_000 / maxPerSecond, LONGEST_INTERVAL_MS);
  /** What the client has: id to lastSequence. */
  const has = new Map<string, number>();
  /** What the next frame tells, oldest first; null: the row left. */
  const pending = new Map<string, R | null>();
  /** What the client has and was gone since the last frame: it may be back as another row of the same sequence. */
  const gone = new Set<string>();
  let kept = new Map<string, Delivery<R>>();
  let keptGone = new Set<string>();
  /** Items that go before the next frame. */
  let ready: FrameChange<R>[] = [];
  /** Where the next frame is in the feed. */
  let newest: Delivery<R> | undefined;
  /** Up to where the client knows everything. */
  let told = '';
  let nextFrameAt = 0;

  const accept = (delivery: Delivery<R>) => {
    const { id, document: row } = delivery;
    newest = delivery;
    if (row !== null && matches(row)) {
      const told = gone.has(id) ? 0 : (has.get(id) ?? 0);
      if (row.lastSequence > Math.max(told, pending.get(id)?.lastSequence ?? 0)) pending.set(id, row);
    } else if (has.has(id)) {
      pending.set(id, null);
      gone.add(id);
    } else pending.delete(id);
    return pending.size > limits.pendingRows ? 'pendingRows' : undefined;
  };

  /** Makes the next frame of what is pending and notes what the client has then. */
  const frame = (now: number): void => {
    const rows: R[] = [];
    const ids: string[] = [];
    for (const [id, row] of pending) {
      if (rows.length + ids.length === limits.frameRows) break;
      pending.delete(id);
      const isBack = gone.delete(id) && row !== null && row.lastSequence <= (has.get(id) ?? 0);
      if (row === null || isBack) {
        has.delete(id);
        ids.push(id);
      }
      if (row !== null) {
        has.set(id, row.lastSequence);
        rows.push(row);
      }
    }
    nextFrameAt = now + interval;
    const before = told;
    if (pending.size === 0 && newest !== undefined) told = newest.cursor;
    if (ids.length > 0) ready.push({ kind: 'left', ids, cursor: rows.length > 0 ? before : told });
    if (rows.length > 0) ready.push({ kind: 'moved', rows, cursor: told });
  };

  return {
    accept,
    keep(delivery) {
      // In the order of the feed, so that the last one is where the next frame is.
      kept.delete(delivery.id);
      kept.set(delivery.id, delivery);
      if (delivery.document === null) keptGone.add(delivery.id);
      return kept.size > limits.pendingRows ? 'pendingRows' : undefined;
    },
    hold(rows) {
      for (const row of rows) has.set(row.id, row.lastSequence);
    },
    cutover(place, cursor) {
      told = cursor;
      const deliveries = kept;
      for (const id of keptGone) if (has.has(id)) gone.add(id);
      kept = new Map();
      keptGone = new Set();
      for (const delivery of deliveries.values()) {
        const excess = isBehind(delivery.place, place) ? accept(delivery) : undefined;
        if (excess !== undefined) return excess;
      }
      return undefined;
    },
    say: (item) => void ready.push(item),
    take(now) {
      if (ready.length === 0 && pending.size > 0 && now >= nextFrameAt) frame(now);
      return ready.shift();
    },
    dueIn(now) {
      if (ready.length > 0) return 0;
      return pending.size > 0 ? Math.max(0, nextFrameAt - now) : undefined;
    },
    reset() {
      has.clear();
      gone.clear();
      pending.clear();
      ready = [];
      newest = undefined;
    },
    get size() {
      return pending.size + kept.size + ready.length;
    },
  };
}
