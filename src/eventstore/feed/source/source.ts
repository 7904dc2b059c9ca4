import { setImmediate } from 'node:timers/promises';
import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import { backoff, retry } from '../../backoff.ts';
import { type Change, type Changes, clusterNow, openChanges, type Signal } from '../../changes.ts';
import type { Interest } from '../../interest.ts';
import { rowsAt } from '../../projection/rows-at.ts';
import { ALL, isBehind, justAfter, type Place, scopeOf } from '../cursor.ts';
import { Delivery } from '../delivery.ts';
import type { GapReason } from '../item.ts';
import type { FeedLimits } from '../limits.ts';
import { openHistory, type Past } from './history.ts';
import { InterestIndex } from './interest-index.ts';
import { openLevel } from './lag.ts';
import { openPlaces } from './places.ts';
import { PastChange, Ring, type RingLimits } from './ring.ts';
import { addressee, type GenerationSwitch, type Routes, tenantOf } from './routes.ts';

/** Who gets deliveries. */
export interface Receiver {
  /** What a delivery must touch to come here; undefined: nothing. */
  readonly interest: Interest<object> | undefined;
  accept(delivery: Delivery<object>): void;
  lost(reason: GapReason): void;
}

export interface SourceOptions {
  readonly db: Db;
  readonly log: Logger;
  readonly routes: Routes;
  readonly limits: RingLimits & Pick<FeedLimits, 'rememberedRows'>;
  readonly onReopen: (reason: string) => void;
}

/** A receiver that is registered. */
export interface Joined {
  readonly leave: () => void;
  /** What comes behind this is delivered. */
  readonly place: Place;
}

/** A receiver that goes on from where it was. */
export interface Resumed extends Joined {
  /** What it missed, up to `place`. */
  readonly past: Past;
}

/** One change stream, handed out to whom it concerns. */
export interface Source {
  /**
   * Registers once the stream is open; what is committed from then on is delivered.
   * @returns how to leave, and where it begins
   */
  join(name: string, tenantId: string, receiver: Receiver): Promise<Joined>;
  /** The same from a place on. @returns undefined, and nothing is registered, where what came since cannot be told */
  resume(name: string, tenantId: string, after: Place, receiver: Receiver): Promise<Resumed | undefined>;
  /** How far the stream has come in the changes of `name`. */
  place(name: string): Place;
  /** How old what it has told last may be, in ms; 0 while it keeps up. */
  lagMs(): number;
  /** What is kept for those who resume. */
  readonly historyBytes: number;
  /** Rows of which it is known who may have them. */
  readonly rememberedRows: number;
  close(): void;
}

/**
 * Deliveries, and changes, between two pauses: those who keep up must get their turn before their queues fill. Many,
 * since what is told between two pauses leaves in one write a socket.
 */
const BURST = 4_096;
const BURST_CHANGES = 32;
/** How long a subscriber who was told more elsewhere waits for this process to come as far, in ms. */
const CATCH_UP_MS = 15_000;

type Told = Extract<Signal, { kind: 'changes' }>;

/**
 * Opens a change stream over collections; its receivers are kept by read model and tenant, so that nobody pays for
 * another's. Rows are written whole: an update of some fields, by hand, is not told.
 */
export async function openSource(options: SourceOptions): Promise<Source> {
  const { db, log, routes } = options;
  const audiences = new Map<string, InterestIndex<object, Receiver>>();
  let pinned = await routes.pin();
  let places = openPlaces(pinned);
  const ring = new Ring(options.limits, pinned);
  const history = openHistory({ ...options, ring, historyBytes: options.limits.historyBytes });
  const level = openLevel();
  const closing = new AbortController();
  /** Since the stream has told anything. */
  let losses = 0;
  const begin = (): Changes => {
    return openChanges(db, {
      collections: routes.collections,
      operations: routes.operations,
      // Not what was committed at that very moment: it may be what no stream can tell.
      from: { at: justAfter(pinned) },
      log,
      onReopen: () => options.onReopen('error'),
    });
  };
  let changes = begin();

  /** @returns true where what is live was dropped or renamed: nothing more can be told of it */
  const deliver = async (batch: readonly Change[]): Promise<boolean> => {
    let burst = 0;
    for (const change of batch) {
      const place = places.take(routes.countedFor(change) ?? '', change.clusterTime);
      const broken = routes.breakOf(change);
      if (broken !== undefined) ring.breakAt(broken, place);
      const switched = routes.turn(change);
      if (switched !== undefined) await turn(switched, place);
      const name = routes.nameOf(change.collection);
      if (name === undefined) continue;
      if (change.operation === 'drop' || change.operation === 'rename') return true;
      const [tenantId, id] = addressee(change);
      const scope = scopeOf(name, tenantId);
      const asked = tell(new Delivery(scope, id, change.document, place), change.operation === 'insert');
      ring.push(new PastChange(scope, id, change.document, place));
      burst += Math.max(asked, BURST / BURST_CHANGES);
      if (burst < BURST) continue;
      burst = 0;
      await setImmediate();
    }
    return false;
  };

  /** @returns how many may want to know */
  const tell = (delivery: Delivery<object>, isNew: boolean): number => {
    const { scope, id, document } = delivery;
    const concerned = audiences.get(scope)?.concerned({ id, document, isNew }) ?? [];
    for (const receiver of concerned) receiver.accept(delivery);
    return concerned.length;
  };

  /** Of all tenants. */
  const audiencesOf = (name: string): InterestIndex<object, Receiver>[] =>
    [...audiences].filter(([scope]) => scope.startsWith(`${name}/`)).map(([, audience]) => audience);

  /** The rows live elsewhere from here on. What is further there is told as a change of this moment. */
  const turn = async ({ name, collection, ahead }: GenerationSwitch, place: Place): Promise<void> => {
    const at = place.time;
    // Whoever goes away amid these comes back to before the switch, from where nothing can be joined.
    const amid = { time: at, ordinal: place.ordinal - 1 };
    for (const audience of audiencesOf(name)) audience.forget();
    const ids = ahead?.filter((id) => audiences.has(scopeOf(name, tenantOf(id))));
    if (ids?.length === 0) return;
    try {
      if (ids === undefined) throw new Error('The read model was replaced by one that tells other things.');
      const rows = new Map((await rowsAt(db, collection, ids, at)).map((row) => [row._id, row]));
      for (const id of ids) {
        const scope = scopeOf(name, tenantOf(id));
        tell(new Delivery(scope, id.slice(tenantOf(id).length + 1), rows.get(id) ?? null, amid), false);
      }
    } catch (error) {
      log.info({ projection: name, collection, reason: String(error) }, 'subscribers get a gap at a switch');
      const everyone = audiencesOf(name).flatMap((audience) => audience.everyone());
      for (const receiver of everyone) receiver.lost('HISTORY_LOST');
    }
  };

  const comeTo = (signal: Told): void => {
    losses = 0;
    // A stream that has only begun says so by a moment at which nothing may have happened yet.
    if (signal.upTo?.greaterThan(justAfter(pinned))) places.reach(signal.upTo);
    level.told(signal);
  };

  const follow = async (): Promise<void> => {
    for (let signal = await changes.next(); signal !== null; signal = await changes.next()) {
      if (signal.kind !== 'changes') await startOver(signal.reason, signal.error);
      else if (await deliver(signal.changes)) await startOver('replaced', undefined);
      else comeTo(signal);
    }
  };

  /** The stream is lost: another begins now, and everyone is told once that one is open. */
  const startOver = async (reason: string, error: unknown): Promise<void> => {
    log.warn(
      { err: error, reason, collections: String(routes.collections) },
      'change history lost; subscribers get a gap',
    );
    options.onReopen(reason);
    changes.stop();
    if (losses > 0) await backoff(losses, closing.signal);
    losses += 1;
    const now = await retry(() => routes.pin(), {
      when: (failure) => {
        log.warn({ err: failure }, 'the cluster does not tell its time');
        return true;
      },
      signal: closing.signal,
    });
    if (now === undefined) return;
    pinned = now;
    places = openPlaces(now);
    ring.reset(now);
    for (const audience of audiences.values()) audience.forget();
    changes = begin();
    if (closing.signal.aborted) changes.stop();
    const opening = changes;
    void opening.opened.then(() => {
      for (const audience of audiences.values())
        for (const receiver of audience.everyone()) receiver.lost('HISTORY_LOST');
    });
  };

  const isOpen = async (): Promise<void> => {
    for (let known: Changes | undefined; known !== changes; ) {
      known = changes;
      await known.opened;
    }
  };

  const register = (name: string, tenantId: string, receiver: Receiver): (() => void) => {
    const scope = scopeOf(name, tenantId);
    const { versionOf } = routes;
    const known = audiences.get(scope);
    const audience = known ?? new InterestIndex({ versionOf, remembered: options.limits.rememberedRows });
    audiences.set(scope, audience);
    const entry = audience.join(receiver, receiver.interest);
    return () => {
      audience.leave(entry);
      if (audience.size === 0 && audiences.get(scope) === audience) audiences.delete(scope);
    };
  };

  /** Comes to where another process was already when it told its client. @returns false where that is nowhere */
  const catchUp = async (name: string, after: Place): Promise<boolean> => {
    const isThere = (): boolean => {
      const place = places.of(name);
      return !isBehind(after, place) || (after.ordinal === ALL && after.time.equals(place.time));
    };
    if (isThere()) return true;
    if (after.time.greaterThan(await clusterNow(db))) return false;
    const since = performance.now();
    while (!isThere() && !closing.signal.aborted && performance.now() - since < CATCH_UP_MS)
      await level.next();
    return isThere();
  };

  void follow();
  return {
    async join(name, tenantId, receiver) {
      await isOpen();
      return { place: places.of(name), leave: register(name, tenantId, receiver) };
    },
    async resume(name, tenantId, after, receiver) {
      await isOpen();
      if (!(await catchUp(name, after))) return undefined;
      const found = await history.since(name, tenantId, after, (past) => ({
        past,
        place: places.of(name),
        leave: register(name, tenantId, receiver),
      }));
      return found?.taken;
    },
    place: (name) => places.of(name),
    lagMs: () => level.lagMs(),
    get historyBytes() {
      return ring.bytes;
    },
    get rememberedRows() {
      let rows = 0;
      for (const audience of audiences.values()) rows += audience.remembered;
      return rows;
    },
    close() {
      closing.abort();
      history.close();
      level.close();
      changes.stop();
    },
  };
}
