import { Timestamp } from 'mongodb';
import type { StoredEvent } from './event.ts';
import type { FrameChange, GapReason, LogChange, OrderedChange, SnapshotItem } from './feed-item.ts';
import type { SnapshotLane } from './feed-lane.ts';
import { type Excess, FEED_LIMITS, type FeedLimits } from './feed-limits.ts';
import { logRoutes, rowRoutes } from './feed-routes.ts';
import { openSource, type Source } from './feed-source.ts';
import { openLatestLane } from './latest-lane.ts';
import { openLogLane } from './log-lane.ts';
import { openOrderedLane } from './ordered-lane.ts';
import type { Projection, Row } from './projection.ts';
import type { RowFilter } from './rows.ts';
import { openSnapshot } from './snapshot.ts';
import type { Store } from './store.ts';
import { type CommonItem, type Member, Subscriber } from './subscriber.ts';

export type { FrameChange, GapReason, LogChange, OrderedChange } from './feed-item.ts';

/** Which rows, of whose. */
export interface Selection<R extends Row> {
  readonly tenantId: string;
  readonly projection: Projection<R>;
  /** For the snapshot, without the tenant: the feed binds it. */
  readonly filter: RowFilter;
  /** The same filter in memory. */
  matches(row: R): boolean;
  /** The subscriber was closed because it reads too slowly: here its socket is. */
  onOverflow?(limit: Excess): void;
}

/** Which events, of whose. */
export interface LogSelection {
  readonly tenantId: string;
  matches(event: StoredEvent): boolean;
  onOverflow?(limit: Excess): void;
}

export type LaneName = 'ordered' | 'latest' | 'log';

/** What the feed tells whoever measures it. Every call is cheap and never throws. */
export interface FeedObserver {
  subscribed(lane: LaneName, change: 1 | -1): void;
  overflowed(lane: LaneName, limit: Excess): void;
  gap(reason: GapReason): void;
  reopened(stream: 'rows' | 'events', reason: string): void;
}

export interface FeedOptions {
  readonly limits?: Partial<FeedLimits>;
  readonly observer?: FeedObserver;
}

/** Changes of read models and of the log, on their way to subscribers (design section 7). */
export interface Feed {
  /** First the rows that match, then each change of them, in order, none missing. */
  ordered<R extends Row>(selection: Selection<R>): AsyncIterableIterator<OrderedChange<R>>;
  /** First the rows that match, then the newest of those that changed, in at most `maxPerSecond` frames (default: as fast as the client reads). */
  latest<R extends Row>(
    selection: Selection<R>,
    pace: { readonly maxPerSecond?: number | undefined },
  ): AsyncIterableIterator<FrameChange<R>>;
  /** The log as it grows, from the heartbeat that comes first. */
  log(selection: LogSelection): AsyncIterableIterator<LogChange>;
  /** Items waiting for clients, by lane: for a gauge. */
  waiting(): Readonly<Record<LaneName, number>>;
  /** Ends every subscription and the change streams. */
  close(): void;
}

type StreamName = 'rows' | 'events';

interface Audience {
  readonly tenantId: string;
  onOverflow?(limit: Excess): void;
}

const SILENT: FeedObserver = { subscribed() {}, overflowed() {}, gap() {}, reopened() {} };

/** How often quiet and stalled subscribers are looked for, in ms. */
const TICK_MS = 1_000;

/**
 * Opens the feed of one process: at most one change stream over all read models and one over the log, each opened
 * with the first subscriber that needs it.
 */
export function openFeed(store: Pick<Store, 'db' | 'log' | 'projections'>, options: FeedOptions = {}): Feed {
  const { db, log, projections } = store;
  const limits: FeedLimits = { ...FEED_LIMITS, ...options.limits };
  const observer = options.observer ?? SILENT;
  const members = new Map<Member, LaneName>();
  /** Those who wait for the stream to open. */
  const joining = new Set<Member>();
  const sources = new Map<StreamName, Promise<Source>>();
  const ticking = setInterval(
    () => {
      const now = performance.now();
      for (const member of members.keys()) member.tick(now);
    },
    Math.min(TICK_MS, limits.heartbeatMs / 4, limits.stalledMs / 4),
  ).unref();
  let closed = false;

  const sourceOf = (name: StreamName): Promise<Source> => {
    const known = sources.get(name);
    if (known !== undefined) return known;
    const opening = openSource({
      db,
      log,
      routes: name === 'events' ? logRoutes(db) : rowRoutes(db, projections),
      onReopen: (reason) => observer.reopened(name, reason),
    });
    sources.set(name, opening);
    // Where the database cannot be reached, the next subscriber tries anew.
    opening.catch(() => sources.delete(name));
    return opening;
  };

  const enter = (self: Member, lane: LaneName, leave: () => void): (() => void) => {
    members.set(self, lane);
    observer.subscribed(lane, 1);
    return () => {
      leave();
      members.delete(self);
      observer.subscribed(lane, -1);
    };
  };

  /** A subscriber's side towards the feed. */
  const membership = (lane: LaneName, name: string, selection: Audience) => {
    let source: Source | undefined;
    const place = (): Timestamp => source?.place() ?? new Timestamp(0n);
    return {
      limits,
      place,
      onGap: (reason: GapReason) => observer.gap(reason),
      onOverflow: (limit: Excess) => {
        log.warn({ lane, limit, tenantId: selection.tenantId }, 'subscriber reads too slowly; closed');
        observer.overflowed(lane, limit);
        selection.onOverflow?.(limit);
      },
      join: async (self: Member) => {
        if (closed) throw new Error('The feed is closed.');
        joining.add(self);
        try {
          source = await sourceOf(lane === 'log' ? 'events' : 'rows');
          const leave = await source.join(name, selection.tenantId, self);
          return enter(self, lane, leave);
        } finally {
          joining.delete(self);
        }
      },
    };
  };

  const rowSubscriber = <R extends Row, T>(
    laneName: LaneName,
    selection: Selection<R>,
    lane: SnapshotLane<R, T | SnapshotItem<R> | CommonItem>,
  ) => {
    const { tenantId, filter, projection } = selection;
    const options = membership(laneName, projection.name, selection);
    const query = { projection: projection.name, tenantId, filter, rows: limits.snapshotRows };
    return new Subscriber<R, T | SnapshotItem<R>>({
      ...options,
      lane,
      snapshot: {
        lane,
        open: () => openSnapshot<R>(db, query, options.place()),
        item: (rows, complete, cursor) => ({ kind: 'snapshot', rows, complete, cursor }),
      },
    });
  };

  return {
    ordered: (selection) =>
      rowSubscriber(
        'ordered',
        selection,
        openOrderedLane((row) => selection.matches(row), limits),
      ),
    latest: (selection, { maxPerSecond }) =>
      rowSubscriber(
        'latest',
        selection,
        openLatestLane((row) => selection.matches(row), maxPerSecond, limits),
      ),
    log: (selection) =>
      new Subscriber<StoredEvent, LogChange>({
        ...membership('log', 'events', selection),
        lane: openLogLane((event) => selection.matches(event), limits),
      }),
    waiting() {
      const sum = { ordered: 0, latest: 0, log: 0 };
      for (const [member, lane] of members) sum[lane] += member.waiting;
      return sum;
    },
    close() {
      closed = true;
      clearInterval(ticking);
      for (const member of [...members.keys(), ...joining]) member.end();
      for (const opening of sources.values()) opening.then((source) => source.close()).catch(() => undefined);
    },
  };
}
