/**
 * The feed: changes of read models and of the log on their way to subscribers (design section 7).
 *
 * In come two change streams, one over all rows and one over the log; out go items, to thousands of subscribers.
 * 1. subscription.ts, item.ts: what a subscriber asks for and how it takes it, and what it gets.
 * 2. cursor.ts: a place in the feed, and one change that is delivered.
 * 3. source/source.ts: a change stream handed out, and what was delivered before, for clients that come back.
 * 4. subscriber/subscriber.ts: one client's subscription, from its snapshot or its cursor to live changes.
 * gap.ts lists all that decides that a subscriber gets a Gap. limits.ts and observer.ts: what bounds and measures it.
 *
 * A resume (`after`) goes down this way, and never back up: cursor.ts, subscriber/iterator.ts, subscriber/subscriber.ts,
 * source/source.ts (with progress.ts), source/ring.ts, source/oplog.ts, source/held-at.ts, and the subscriber's lane.
 */
import type { StoredEvent } from '../event.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { openRowSnapshot } from '../projection/row-snapshot.ts';
import type { Row } from '../projection.ts';
import { PULSE_MS, pulse } from '../timeline.ts';
import { type ResumePoint, readCursor, scopeOf } from './cursor.ts';
import type { CommonItem, FrameChange, LogChange, OrderedChange, SnapshotItem } from './item.ts';
import { FEED_LIMITS, type FeedLimits } from './limits.ts';
import { type FeedObserver, type LaneName, SILENT_FEED } from './observer.ts';
import { HeldAt } from './source/held-at.ts';
import { Sources, type StreamHealth } from './source/sources.ts';
import { SubscriptionIterator } from './subscriber/iterator.ts';
import type { SnapshotLane } from './subscriber/lane.ts';
import { openLatestLane } from './subscriber/latest-lane.ts';
import { openLogLane } from './subscriber/log-lane.ts';
import { Members } from './subscriber/members.ts';
import type { FeedParts } from './subscriber/options.ts';
import { openOrderedLane, SharedHeldRows } from './subscriber/ordered-lane.ts';
import { type LogSelection, type Selection, type Subscription, selectionKey } from './subscription.ts';

export interface FeedOptions {
  readonly limits?: Partial<FeedLimits>;
  readonly observer?: FeedObserver;
}

interface Pace {
  readonly maxPerSecond?: number | undefined;
}

/**
 * With `after` each subscription goes on from there; where what was missed cannot be told, a Gap comes first, and it
 * begins anew.
 * @throws InvalidCursorError, at once, for an `after` that is none of the same kind and tenant
 */
export interface Feed {
  /** First the rows that match, then each change of them, in order, none missing. */
  ordered<R extends Row>(selection: Selection<R>): Subscription<OrderedChange<R>>;
  /** First the rows that match, then the newest of those that changed, in at most `maxPerSecond` frames (default: as fast as the client reads). */
  latest<R extends Row>(selection: Selection<R>, pace: Pace): Subscription<FrameChange<R>>;
  /** The log as it grows, from the heartbeat that comes first. */
  log(selection: LogSelection): Subscription<LogChange>;
  /** Items waiting for clients, by lane: for a gauge. */
  waiting(): Readonly<Record<LaneName, number>>;
  /** Of the change streams that are open. */
  streams(): readonly StreamHealth[];
  /** Ends every subscription and the change streams. */
  close(): void;
}

/** How often quiet and stalled subscribers are looked for, in ms. */
const TICK_MS = 1_000;

/** Opens the feed of one process. Its change streams are opened with the first subscriber that needs them. */
export function openFeed(
  store: Pick<ReadModels, 'db' | 'clock' | 'log' | 'projections' | 'events' | 'registry' | 'timeline'>,
  options: FeedOptions = {},
): Feed {
  const { log, timeline } = store;
  const limits: FeedLimits = { ...FEED_LIMITS, ...options.limits };
  const observer = options.observer ?? SILENT_FEED;
  const sources = new Sources({ ...store, limits, observer });
  const members = new Members(Math.min(TICK_MS, limits.heartbeatMs / 4, limits.stalledMs / 4));
  const parts: FeedParts = { log, limits, observer, sources, members, heldAt: new HeldAt(store), timeline };
  const heldRows = new SharedHeldRows();
  const pulsing = setInterval(() => {
    pulse(store.db, timeline).catch((error: unknown) => log.debug({ err: error }, 'no sign of life'));
  }, PULSE_MS).unref();
  return {
    ordered<R extends Row>(selection: Selection<R>) {
      const share = heldRows.share<R>(() => selectionKey(selection));
      const lane = openOrderedLane<R>((row) => selection.matches(row), limits, share);
      return openRows(store, parts, 'ordered', selection, lane);
    },
    latest<R extends Row>(selection: Selection<R>, { maxPerSecond }: Pace) {
      const lane = openLatestLane<R>((row) => selection.matches(row), maxPerSecond, limits);
      return openRows(store, parts, 'latest', selection, lane);
    },
    log: (selection) => openLog(parts, selection),
    waiting: () => members.waiting(),
    streams: () => sources.health(),
    close() {
      clearInterval(pulsing);
      members.close();
      sources.close();
    },
  };
}

function openRows<R extends Row, T extends OrderedChange<R> | FrameChange<R>>(
  { db }: Pick<ReadModels, 'db'>,
  feed: FeedParts,
  laneName: LaneName,
  selection: Selection<R>,
  lane: SnapshotLane<R, T | SnapshotItem<R> | CommonItem>,
): Subscription<T | SnapshotItem<R> | CommonItem> {
  const { tenantId, filter, projection, after } = selection;
  const scope = scopeOf(projection.name, tenantId);
  const query = { projection: projection.name, tenantId, filter, rows: feed.limits.snapshotRows };
  return new SubscriptionIterator<R, T | SnapshotItem<R>>({
    feed,
    lane,
    laneName,
    name: projection.name,
    scope,
    selection,
    after: resumePointOf(scope, after),
    rows: {
      selection,
      openSnapshot: (notBefore) => openRowSnapshot<R>(db, query, notBefore),
      item: snapshotItem,
    },
  });
}

function openLog(feed: FeedParts, selection: LogSelection): Subscription<LogChange> {
  const scope = scopeOf('events', selection.tenantId);
  return new SubscriptionIterator<StoredEvent, LogChange>({
    feed,
    lane: openLogLane((event) => selection.matches(event), feed.limits),
    laneName: 'log',
    name: 'events',
    scope,
    selection,
    after: resumePointOf(scope, selection.after),
  });
}

function snapshotItem<R>(rows: readonly R[], complete: boolean, cursor: string): SnapshotItem<R> {
  return { kind: 'snapshot', rows, complete, cursor };
}

/** @throws InvalidCursorError */
function resumePointOf(scope: string, after: string | undefined): ResumePoint | undefined {
  return after === undefined ? undefined : readCursor(scope, after);
}
