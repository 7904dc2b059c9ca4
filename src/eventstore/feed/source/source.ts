/**
 * A source hands one change stream out to its receivers.
 *
 * In come changes of collections; out go deliveries, to those whom they may concern, and to clients that come back what
 * they have missed. In this order:
 * 1. sources.ts opens a source for the rows and one for the log, when the first subscriber needs it.
 * 2. routes.ts tells to which read model, or to the log, a change belongs; generation-switch.ts what happens when the
 *    rows of a read model move to another collection.
 * 3. progress.ts counts at which place of the feed a change stands, and how far behind the stream is.
 * 4. receivers.ts finds whom it may concern, by an interest-index.ts (with last-readings.ts) for each read
 *    model and tenant.
 * 5. ring.ts keeps the latest changes for clients that come back; oplog.ts reads older ones; held-at.ts finds out which
 *    rows such a client had.
 */
import { setImmediate } from 'node:timers/promises';
import type { Db, Timestamp } from 'mongodb';
import type { Logger } from 'pino';
import { backoff, retry } from '../../backoff.ts';
import type { Change } from '../../change.ts';
import { type Changes, clusterNow, openChanges, type Signal } from '../../changes.ts';
import type { Clock } from '../../clock.ts';
import type { Timeline } from '../../timeline.ts';
import { Delivery, justAfter, PastChange, type Place, scopeOf } from '../cursor.ts';
import type { GapCause } from '../gap.ts';
import type { FeedLimits } from '../limits.ts';
import { crossSwitch } from './generation-switch.ts';
import { type Oplog, openOplog } from './oplog.ts';
import { StreamProgress } from './progress.ts';
import { type Receiver, Receivers } from './receivers.ts';
import { type OlderChanges, type Past, Ring, type RingLimits } from './ring.ts';
import { addressee, type Routes } from './routes.ts';

export interface SourceOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly timeline: Pick<Timeline, 'id'>;
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

/** A receiver that goes on from where its client was. */
export interface Resumed extends Joined {
  /** What the client missed, up to `place`. */
  readonly past: Past;
}

/** One change stream, handed out to those whom it concerns. */
export interface Source {
  /** Registers once the stream is open: what is committed from then on is delivered. */
  join(name: string, tenantId: string, receiver: Receiver): Promise<Joined>;
  /** The same from a place on. @returns why not, and nothing is registered, where what came since cannot be told */
  resume(name: string, tenantId: string, after: Place, receiver: Receiver): Promise<Resumed | GapCause>;
  /** How far the stream has come in the changes of `name`. */
  place(name: string): Place;
  /** How old what it delivered last may be, in ms; 0 while it keeps up. */
  lagMs(): number;
  /** What is kept for clients who come back. */
  readonly historyBytes: number;
  /** Rows of which it is known who may have them. */
  readonly rememberedRows: number;
  close(): void;
}

/**
 * Deliveries, and changes, between two pauses: subscribers who keep up must get their turn before their queues fill.
 * Many, since all that is delivered between two pauses leaves in one write a socket.
 */
const BURST = 4_096;
const BURST_CHANGES = 32;
/** How long a client that is ahead of this process waits for it to come as far, in ms. */
const CATCH_UP_MS = 15_000;
/** How often the oplog is read for a client: the ring may let go of changes faster than it is read. */
const OPLOG_TRIES = 3;

/**
 * Opens a change stream over collections. Rows are written whole: an update of some fields, by hand, is not seen.
 * @throws what MongoDB throws where it cannot be reached
 */
export async function openSource(options: SourceOptions): Promise<Source> {
  const source = new ChangeSource(options, await options.routes.pin());
  void source.follow();
  return source;
}

class ChangeSource implements Source {
  readonly #options: SourceOptions;
  readonly #receivers: Receivers;
  readonly #progress: StreamProgress;
  readonly #ring: Ring;
  readonly #oplog: Oplog;
  #changes: Changes;
  readonly #closing = new AbortController();
  /** How often the stream was lost since it last told anything. */
  #losses = 0;

  constructor(options: SourceOptions, pinned: Timestamp) {
    const { limits, routes } = options;
    this.#options = options;
    this.#receivers = new Receivers({ versionOf: routes.versionOf, remembered: limits.rememberedRows });
    this.#progress = new StreamProgress(pinned, options.clock);
    this.#ring = new Ring(limits, pinned);
    this.#oplog = openOplog({ ...options, ring: this.#ring, historyBytes: limits.historyBytes });
    this.#changes = this.#open(pinned);
  }

  async join(name: string, tenantId: string, receiver: Receiver): Promise<Joined> {
    await this.#isOpen();
    return { place: this.place(name), leave: this.#receivers.join(name, tenantId, receiver) };
  }

  async resume(
    name: string,
    tenantId: string,
    after: Place,
    receiver: Receiver,
  ): Promise<Resumed | GapCause> {
    await this.#isOpen();
    if (!(await this.#comesTo(name, after))) return 'cursorAhead';
    let older: OlderChanges | undefined;
    for (let tries = 0; ; tries++) {
      const past = this.#ring.since(name, tenantId, after, older);
      if (typeof past === 'string') return past;
      // At once, so that no change comes between what the client missed and what is delivered.
      if (past !== undefined)
        return { past, place: this.place(name), leave: this.#receivers.join(name, tenantId, receiver) };
      older = tries < OPLOG_TRIES ? await this.#oplog.since(after.time) : undefined;
      if (older === undefined) return 'changesGone';
    }
  }

  place(name: string): Place {
    return this.#progress.of(name);
  }

  lagMs(): number {
    return this.#progress.lagMs();
  }

  get historyBytes(): number {
    return this.#ring.bytes;
  }

  get rememberedRows(): number {
    return this.#receivers.remembered;
  }

  close(): void {
    this.#closing.abort();
    this.#oplog.close();
    this.#progress.close();
    this.#changes.stop();
  }

  /** Delivers what the stream tells until the source is closed. */
  async follow(): Promise<void> {
    for (let signal = await this.#next(); signal !== null; signal = await this.#next()) {
      if (signal.kind !== 'changes') await this.#startOver(signal.reason, signal.error);
      else if (await this.#deliver(signal.changes)) await this.#startOver('replaced', undefined);
      else {
        this.#losses = 0;
        this.#progress.passed(signal);
      }
    }
  }

  #next(): Promise<Signal | null> {
    return this.#changes.next();
  }

  /** @returns true where a live collection was dropped or renamed: nothing more can be told of it */
  async #deliver(batch: readonly Change[]): Promise<boolean> {
    const { routes, db, log, timeline } = this.#options;
    let burst = 0;
    for (const change of batch) {
      const place = this.#progress.take(routes.countedFor(change) ?? '', change.clusterTime);
      const replaced = routes.replacedBy(change);
      if (replaced !== undefined) this.#ring.noteReplaced(replaced, place);
      const switched = routes.follow(change);
      if (switched !== undefined)
        await crossSwitch({ db, log, timeline, receivers: this.#receivers }, switched, place);
      const name = routes.nameOf(change.collection);
      if (name === undefined) continue;
      if (change.operation === 'drop' || change.operation === 'rename') return true;
      const [tenantId, id] = addressee(change);
      const scope = scopeOf(name, tenantId);
      const delivery = new Delivery(scope, id, change.document, place, timeline.id);
      const concerned = this.#receivers.deliver(delivery, change.operation === 'insert');
      this.#ring.push(new PastChange(scope, id, change.document, place, timeline.id));
      burst += Math.max(concerned, BURST / BURST_CHANGES);
      if (burst < BURST) continue;
      burst = 0;
      await setImmediate();
    }
    return false;
  }

  /** The stream is lost: another begins now, and everyone gets a gap once that one is open. */
  async #startOver(reason: string, error: unknown): Promise<void> {
    const { routes, log, onReopen } = this.#options;
    log.warn(
      { err: error, reason, collections: String(routes.collections) },
      'change history lost; subscribers get a gap',
    );
    onReopen(reason);
    this.#changes.stop();
    const { signal } = this.#closing;
    if (this.#losses > 0) await backoff(this.#losses, signal);
    this.#losses += 1;
    const now = await retry(() => routes.pin(), {
      when: (failure) => {
        log.warn({ err: failure }, 'the cluster does not tell its time');
        return true;
      },
      signal,
    });
    if (now === undefined) return;
    this.#progress.restart(now);
    this.#ring.reset(now);
    this.#receivers.forget();
    this.#changes = this.#open(now);
    if (signal.aborted) this.#changes.stop();
    void this.#changes.opened.then(() => this.#receivers.lost('streamLost'));
  }

  #open(pinned: Timestamp): Changes {
    const { db, log, routes, onReopen } = this.#options;
    return openChanges(db, {
      collections: routes.collections,
      operations: routes.operations,
      // Not with that very moment: what was committed at it may be the change that no stream can tell.
      from: { at: justAfter(pinned) },
      log,
      onReopen: () => onReopen('error'),
    });
  }

  async #isOpen(): Promise<void> {
    for (let known: Changes | undefined; known !== this.#changes; ) {
      known = this.#changes;
      await known.opened;
    }
  }

  /** Comes as far as the process that wrote the client's cursor. @returns false where none can have come there */
  async #comesTo(name: string, after: Place): Promise<boolean> {
    if (this.#progress.isAt(name, after)) return true;
    if (after.time.greaterThan(await clusterNow(this.#options.db))) return false;
    return this.#progress.waitFor(name, after, CATCH_UP_MS);
  }
}
