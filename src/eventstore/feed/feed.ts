import { Timestamp } from 'mongodb';
import type { Store } from '../command/store.ts';
import type { StoredEvent } from '../event.ts';
import type { Interest } from '../interest.ts';
import { openRowSnapshot } from '../projection/row-snapshot.ts';
import type { Row } from '../projection.ts';
import { type Place, readCursor, scopeOf, writeCursor } from './cursor.ts';
import type { FrameChange, GapReason, LogChange, OrderedChange, SnapshotItem } from './item.ts';
import { type Excess, FEED_LIMITS, type FeedLimits } from './limits.ts';
import { openHeldAt, type RowSelection, selectionKey } from './source/held-at.ts';
import type { HistorySource } from './source/history.ts';
import { logRoutes, rowRoutes } from './source/routes.ts';
import { openSource, type Resumed, type Source } from './source/source.ts';
import { SharedHeldRows } from './subscriber/held-rows.ts';
import type { SnapshotLane } from './subscriber/lane.ts';
import { openLatestLane } from './subscriber/latest-lane.ts';
import { openLogLane } from './subscriber/log-lane.ts';
import type { After, Comeback, CommonItem, ItemRequest, Member, Placed } from './subscriber/options.ts';
import { openOrderedLane } from './subscriber/ordered-lane.ts';
import { Subscriber } from './subscriber/subscriber.ts';

export type { FrameChange, GapReason, LogChange, OrderedChange } from './item.ts';

/**
 * Which rows, of whose; the filter once for the database, without the tenant, and once for a row in memory. The two must
 * agree: who has the same filter is taken to match the same rows.
 */
export interface Selection<R extends Row> extends RowSelection<R> {
  /** Lets through what the filter does, and is cheap to look up; absent: everything may match. */
  readonly interest?: Interest<R> | undefined;
  /** The cursor of the last item that was told for the same filter: goes on from there. */
  readonly after?: string | undefined;
  /** The subscriber was closed because it reads too slowly: here its socket is. */
  onOverflow?(limit: Excess): void;
}

/** Which events, of whose. */
export interface LogSelection {
  readonly tenantId: string;
  /** The cursor of the last item that was told: goes on from there. */
  readonly after?: string | undefined;
  matches(event: StoredEvent): boolean;
  readonly interest?: Interest<StoredEvent> | undefined;
  onOverflow?(limit: Excess): void;
}

export type LaneName = 'ordered' | 'latest' | 'log';
export type StreamName = 'rows' | 'events';

/** What the feed tells whoever measures it. Every call is cheap and never throws. */
export interface FeedObserver {
  subscribed(lane: LaneName, change: 1 | -1): void;
  overflowed(lane: LaneName, limit: Excess): void;
  gap(reason: GapReason): void;
  reopened(stream: StreamName, reason: string): void;
  /** A subscriber came back, and what it missed was found, or was not. */
  resumed(lane: LaneName, from: HistorySource | 'nowhere'): void;
}

/** How one of the change streams is doing. */
export interface StreamHealth {
  readonly stream: StreamName;
  /** How old what it told last is, in ms; 0 while it keeps up. */
  readonly lagMs: number;
  /** What it keeps for subscribers who resume. */
  readonly historyBytes: number;
  /** Rows of which it knows who may have them. */
  readonly rememberedRows: number;
}

/** Items as they come; written by hand, so that it can be ended while it waits. */
export interface Subscription<T> extends AsyncIterableIterator<T> {
  /** Of the item that was handed over last, or the one it began from; empty before. */
  readonly lastCursor: string;
  /**
   * As `next`, without a promise: the taker is called at once where something is there, from the feed where something
   * comes. It may ask again from within.
   */
  ask(taker: ItemRequest<T>): void;
}

export interface FeedOptions {
  readonly limits?: Partial<FeedLimits>;
  readonly observer?: FeedObserver;
}

/**
 * Changes of read models and of the log, on their way to subscribers (design section 7). With `after` each goes on from
 * there; where what was missed cannot be told, a Gap comes first, and it begins anew.
 * @throws InvalidCursorError, at once, for an `after` that is none of the same kind and tenant
 */
export interface Feed {
  /** First the rows that match, then each change of them, in order, none missing. */
  ordered<R extends Row>(selection: Selection<R>): Subscription<OrderedChange<R>>;
  /** First the rows that match, then the newest of those that changed, in at most `maxPerSecond` frames (default: as fast as the client reads). */
  latest<R extends Row>(
    selection: Selection<R>,
    pace: { readonly maxPerSecond?: number | undefined },
  ): Subscription<FrameChange<R>>;
  /** The log as it grows, from the heartbeat that comes first. */
  log(selection: LogSelection): Subscription<LogChange>;
  /** Items waiting for clients, by lane: for a gauge. */
  waiting(): Readonly<Record<LaneName, number>>;
  /** Of the change streams that are open. */
  streams(): readonly StreamHealth[];
  /** Ends every subscription and the change streams. */
  close(): void;
}

interface Audience {
  readonly tenantId: string;
  readonly after?: string | undefined;
  onOverflow?(limit: Excess): void;
}

const SILENT: FeedObserver = { subscribed() {}, overflowed() {}, gap() {}, reopened() {}, resumed() {} };

/** How often quiet and stalled subscribers are looked for, in ms. */
const TICK_MS = 1_000;
/** Backlog changes that are handed to a subscriber before it takes what comes of them. */
const REPLAYED = 256;

/**
 * Opens the feed of one process: at most one change stream over all read models and one over the log, each opened
 * with the first subscriber that needs it.
 */
export function openFeed(
  store: Pick<Store, 'db' | 'log' | 'projections' | 'events' | 'registry'>,
  options: FeedOptions = {},
): Feed {
  const { db, log, projections } = store;
  const limits: FeedLimits = { ...FEED_LIMITS, ...options.limits };
  const observer = options.observer ?? SILENT;
  const members = new Map<Member, LaneName>();
  /** Those who wait for the stream to open. */
  const joining = new Set<Member>();
  const sources = new Map<StreamName, Promise<Source>>();
  const opened = new Map<StreamName, Source>();
  const heldAt = openHeldAt(store);
  const held = new SharedHeldRows();
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
      limits,
      onReopen: (reason) => observer.reopened(name, reason),
    });
    sources.set(name, opening);
    // Where the database cannot be reached, the next subscriber tries anew.
    opening.then(
      (source) => opened.set(name, source),
      () => sources.delete(name),
    );
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

  /** Until it is registered, or has failed, a subscriber is ended with the feed, too. */
  const joinAs = async <T>(
    self: Member,
    name: StreamName,
    register: (source: Source) => Promise<T>,
  ): Promise<T> => {
    if (closed) throw new Error('The feed is closed.');
    joining.add(self);
    try {
      return await register(await sourceOf(name));
    } finally {
      joining.delete(self);
    }
  };

  /** A subscriber's side towards the feed. */
  const membership = (lane: LaneName, name: string, selection: Audience) => {
    const { tenantId, after } = selection;
    const scope = scopeOf(name, tenantId);
    const stream = lane === 'log' ? 'events' : 'rows';
    return {
      limits,
      replayed: lane === 'latest' ? Number.POSITIVE_INFINITY : REPLAYED,
      after: after === undefined ? undefined : { ...readCursor(scope, after), cursor: after },
      place: (): Place => opened.get(stream)?.place(name) ?? { time: new Timestamp(0n), ordinal: 0 },
      cursorAt: (place: Place, complete?: boolean) => writeCursor(scope, place, complete),
      onGap: (reason: GapReason) => observer.gap(reason),
      onOverflow: (limit: Excess) => {
        log.warn({ lane, limit, tenantId }, 'subscriber reads too slowly; closed');
        observer.overflowed(lane, limit);
        selection.onOverflow?.(limit);
      },
      join: (self: Member) =>
        joinAs(self, stream, async (source) => {
          const { place, leave } = await source.join(name, tenantId, self);
          return { place, leave: enter(self, lane, leave) };
        }),
      /** @param heldAt tells what the client has */
      resumeWith: (self: Member, after: After, heldAt: (resumed: Resumed) => Comeback['held']) =>
        joinAs(self, stream, async (source): Promise<Comeback | undefined> => {
          const resumed = await source.resume(name, tenantId, after, self);
          observer.resumed(lane, resumed?.past.source ?? 'nowhere');
          if (resumed === undefined) return undefined;
          const { past, place, leave } = resumed;
          return { place, missed: past.missed, held: heldAt(resumed), leave: enter(self, lane, leave) };
        }),
    };
  };

  const rowSubscriber = <R extends Row, T extends Placed>(
    laneName: LaneName,
    selection: Selection<R>,
    lane: SnapshotLane<R, T | SnapshotItem<R> | CommonItem>,
  ) => {
    const { tenantId, filter, projection, interest } = selection;
    const options = membership(laneName, projection.name, selection);
    const query = { projection: projection.name, tenantId, filter, rows: limits.snapshotRows };
    return new Subscriber<R, T | SnapshotItem<R>>({
      ...options,
      lane,
      interest,
      resume: (self, after) =>
        options.resumeWith(self, after, (resumed) => heldAt.at(selection, { ...resumed, after })),
      snapshot: {
        hold: (rows) => lane.hold(rows),
        open: () => openRowSnapshot<R>(db, query, options.place().time),
        item: (rows, complete, cursor) => ({ kind: 'snapshot', rows, complete, cursor }),
      },
    });
  };

  const logSubscriber = (selection: LogSelection) => {
    const options = membership('log', 'events', selection);
    return new Subscriber<StoredEvent, LogChange>({
      ...options,
      lane: openLogLane((event) => selection.matches(event), limits),
      interest: selection.interest,
      resume: (self, after) => options.resumeWith(self, after, async () => []),
    });
  };

  return {
    ordered: (selection) =>
      rowSubscriber(
        'ordered',
        selection,
        openOrderedLane(
          (row) => selection.matches(row),
          limits,
          held.share(() => selectionKey(selection)),
        ),
      ),
    latest: (selection, { maxPerSecond }) =>
      rowSubscriber(
        'latest',
        selection,
        openLatestLane((row) => selection.matches(row), maxPerSecond, limits),
      ),
    log: logSubscriber,
    waiting() {
      const sum = { ordered: 0, latest: 0, log: 0 };
      for (const [member, lane] of members) sum[lane] += member.waiting;
      return sum;
    },
    streams: () =>
      Array.from(opened, ([stream, source]) => ({
        stream,
        lagMs: source.lagMs(),
        historyBytes: source.historyBytes,
        rememberedRows: source.rememberedRows,
      })),
    close() {
      closed = true;
      clearInterval(ticking);
      for (const member of [...members.keys(), ...joining]) member.end();
      for (const opening of sources.values()) opening.then((source) => source.close()).catch(() => undefined);
    },
  };
}
