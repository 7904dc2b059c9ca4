import { type Db, Timestamp } from 'mongodb';
import type { Logger } from 'pino';
import { isBehind, justBefore, type Place, placeBehind, scopeOf } from '../cursor.ts';
import { readOplog } from './oplog.ts';
import { type PastChange, Ring, splitAt } from './ring.ts';
import type { Routes } from './routes.ts';

/** Where what was missed was found. */
export type HistorySource = 'ring' | 'oplog';

/** The changes of one read model and tenant, or of a tenant's log, around a place, up to the present one. */
export interface Past {
  readonly source: HistorySource;
  /** Nothing that was committed later than this is left out. */
  readonly from: Timestamp;
  /** Up to the place, and behind it. */
  readonly told: readonly PastChange[];
  readonly missed: readonly PastChange[];
}

/** What was told before, as far back as it is known in memory or in the oplog. */
export interface History {
  /**
   * Finds what came behind a place, and hands it over at a moment when nothing lies between it and what is told next.
   * @returns what `take` makes of it; undefined where it is gone, or is more than this process reads for that
   */
  since<T>(
    name: string,
    tenantId: string,
    place: Place,
    take: (past: Past) => T,
  ): Promise<{ readonly taken: T } | undefined>;
  close(): void;
}

export interface HistoryOptions {
  readonly db: Db;
  readonly log: Logger;
  readonly routes: Routes;
  /** What this process has told since its stream began, or as much of it as it keeps. */
  readonly ring: Ring;
  /** The most that is read from the oplog. */
  readonly historyBytes: number;
}

/** So much more than is asked for is read, in s: whoever lost the same connection asks for nearly the same. */
const MARGIN_S = 20;
/** How long what was read from the oplog is kept for others, in ms. */
const KEEP_MS = 10_000;
/** How often the ring may let go of changes faster than the oplog is read. */
const TRIES = 3;

/** A part of the oplog, read once for all who ask. */
interface Stretch {
  /** Begins with everything committed at this moment. */
  from: Timestamp;
  /** The earliest that those who wait for it ask for. */
  asked: Timestamp;
  changes: Ring;
  /** Resolves with the moment up to which everything is in `changes`; undefined where it cannot be read. */
  until: Promise<Timestamp | undefined>;
}

/** Opens the way back from the ring of a process. */
export function openHistory(options: HistoryOptions): History {
  const { ring, log } = options;
  const closing = new AbortController();
  let stretch: Stretch | undefined;
  let forgetting: NodeJS.Timeout | undefined;

  const read = async (into: Stretch, from: Timestamp): Promise<Timestamp | undefined> => {
    into.from = from;
    into.changes = new Ring({ historyBytes: options.historyBytes, historyItems: Infinity }, justBefore(from));
    const until = await readOplog(options, into.changes, from, closing.signal);
    log.info({ from, until, bytes: into.changes.bytes }, 'oplog read for subscribers who resume');
    return until;
  };

  /** Reads from a little earlier than `time`, or from what is asked for where that is gone already, or too much. */
  const begin = (time: Timestamp): Stretch => {
    const early = new Timestamp({ t: Math.max(1, time.getHighBitsUnsigned() - MARGIN_S), i: 1 });
    const begun: Stretch = {
      from: early,
      asked: time,
      changes: new Ring({ historyBytes: 0, historyItems: 0 }, early),
      until: Promise.resolve(undefined),
    };
    begun.until = read(begun, early).then((until) => until ?? read(begun, begun.asked));
    stretch = begun;
    return begun;
  };

  const forgetLater = (): void => {
    clearTimeout(forgetting);
    forgetting = setTimeout(() => {
      stretch = undefined;
    }, KEEP_MS).unref();
  };

  /** @returns undefined where `place` cannot be reached from what is there */
  const pastOf = (name: string, tenantId: string, place: Place, older?: Stretch): Past | undefined => {
    const cut = ring.lastBreak(name) ?? older?.changes.lastBreak(name);
    if (cut !== undefined && isBehind(cut, place)) return undefined;
    const scope = scopeOf(name, tenantId);
    const before = older?.changes.of(scope).filter((change) => !change.place.time.greaterThan(ring.from));
    const all = [...(before ?? []), ...ring.of(scope)];
    const known = older?.changes.from ?? ring.from;
    const from = cut?.time.greaterThan(known) ? cut.time : known;
    const { before: told, behind: missed } = splitAt(all, place);
    return {
      source: older === undefined ? 'ring' : 'oplog',
      from,
      told: cut === undefined ? told : splitAt(told, cut).behind,
      missed,
    };
  };

  return {
    async since(name, tenantId, place, take) {
      const handOver = (older?: Stretch) => {
        const past = pastOf(name, tenantId, place, older);
        return past === undefined ? undefined : { taken: take(past) };
      };
      for (let tries = 0; tries < TRIES; tries++) {
        if (!isBehind(placeBehind(ring.from), place)) return handOver();
        const known = stretch?.from.greaterThan(place.time) === false ? stretch : undefined;
        const older = known ?? begin(place.time);
        if (place.time.lessThan(older.asked)) older.asked = place.time;
        const until = await older.until;
        forgetLater();
        // It may have begun later in the end than it was to.
        const reaches = !older.from.greaterThan(place.time);
        if (reaches && until !== undefined && !ring.from.greaterThan(until)) return handOver(older);
        if (stretch === older) stretch = undefined;
        if (until === undefined) return undefined;
      }
      return undefined;
    },
    close() {
      clearTimeout(forgetting);
      closing.abort();
    },
  };
}
