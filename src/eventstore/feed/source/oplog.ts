import { type Db, Timestamp } from 'mongodb';
import type { Logger } from 'pino';
import { openChanges, type Signal } from '../../changes.ts';
import type { Timeline } from '../../timeline.ts';
import { justBefore, PastChange, scopeOf } from '../cursor.ts';
import { PlaceCounter } from './progress.ts';
import { type OlderChanges, Ring } from './ring.ts';
import { addressee, type Routes } from './routes.ts';

/** Older changes than a ring has, read from the oplog once for all who ask for nearly the same. */
export interface Oplog {
  /** Reads from a moment on, up to what the ring has. @returns undefined where that is gone, too much, or takes too long */
  since(time: Timestamp): Promise<OlderChanges | undefined>;
  close(): void;
}

export interface OplogOptions {
  readonly db: Db;
  readonly timeline: Pick<Timeline, 'id'>;
  readonly log: Logger;
  readonly routes: Routes;
  /** What is read has to meet what is in there. */
  readonly ring: Ring;
  /** The most that is read. */
  readonly historyBytes: number;
}

/** How much more than is asked for is read, in s: clients that lost the same connection ask for nearly the same. */
const MARGIN_S = 20;
/** How long what was read is kept for others, in ms. */
const KEEP_MS = 10_000;
/** How long reading may take, in ms; what takes longer is given up. */
const LONGEST_MS = 30_000;
/** The pace of an idle stream that only has to find out that nothing is left to read, in ms. */
const IDLE_MS = 20;

/** One reading of the oplog. */
interface Reading {
  /** Begins with everything committed at this moment. */
  from: Timestamp;
  /** The earliest moment that those who wait for it ask for. */
  asked: Timestamp;
  older: Promise<OlderChanges | undefined>;
}

export function openOplog(options: OplogOptions): Oplog {
  const closing = new AbortController();
  let latest: Reading | undefined;
  let forgetting: NodeJS.Timeout | undefined;

  const read = async (reading: Reading): Promise<OlderChanges | undefined> => {
    const older = await readOplog(options, reading.from, closing.signal);
    if (older !== undefined) return older;
    reading.from = reading.asked;
    return readOplog(options, reading.from, closing.signal);
  };

  /** Begins a little before `time`; where that is gone already, or too much, with what is asked for. */
  const begin = (time: Timestamp): Reading => {
    const from = new Timestamp({ t: Math.max(1, time.getHighBitsUnsigned() - MARGIN_S), i: 1 });
    const reading: Reading = { from, asked: time, older: Promise.resolve(undefined) };
    reading.older = read(reading);
    latest = reading;
    return reading;
  };

  const forgetLater = (): void => {
    clearTimeout(forgetting);
    forgetting = setTimeout(() => {
      latest = undefined;
    }, KEEP_MS).unref();
  };

  return {
    async since(time) {
      const known = latest?.from.greaterThan(time) === false ? latest : undefined;
      const reading = known ?? begin(time);
      if (time.lessThan(reading.asked)) reading.asked = time;
      const older = await reading.older;
      forgetLater();
      // It may have begun later in the end than it was to, and the ring may have let go of changes faster than it was read.
      const isEnough =
        older !== undefined && !reading.from.greaterThan(time) && !options.ring.from.greaterThan(older.until);
      if (!isEnough && latest === reading) latest = undefined;
      return older;
    },
    close() {
      clearTimeout(forgetting);
      closing.abort();
    },
  };
}

/** Reads changes from a moment on, until they meet those in the ring. */
async function readOplog(
  options: OplogOptions,
  from: Timestamp,
  signal: AbortSignal,
): Promise<OlderChanges | undefined> {
  const { db, log, routes, historyBytes } = options;
  const { collections, operations } = routes;
  const older = new Ring({ historyBytes, historyItems: Infinity }, justBefore(from));
  const isSharded = await isMongos(db);
  const changes = openChanges(db, { collections, operations, from: { at: from }, idleMs: IDLE_MS, log });
  const stop = (): void => changes.stop();
  const late = setTimeout(stop, LONGEST_MS).unref();
  signal.addEventListener('abort', stop);
  let until: Timestamp | undefined;
  try {
    const places = new PlaceCounter(justBefore(from));
    for (let reply = await changes.next(); reply?.kind === 'changes'; reply = await changes.next()) {
      takeReply(options, reply, places, older);
      // It lets go of nothing unless it is full.
      if (older.bytes > historyBytes || !older.from.equals(justBefore(from))) break;
      const reached = reachedBy(reply, isSharded);
      if (reached === undefined || options.ring.from.greaterThan(reached)) continue;
      until = reached;
      break;
    }
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', stop);
    changes.stop();
  }
  log.info({ from, until, bytes: older.bytes }, 'oplog read for subscribers who resume');
  return until === undefined ? undefined : { changes: older, until };
}

type Reply = Extract<Signal, { kind: 'changes' }>;

/** The way of a change in the source, without delivering it. */
function takeReply(
  { routes, timeline }: OplogOptions,
  { changes }: Reply,
  places: PlaceCounter,
  into: Ring,
): void {
  for (const change of changes) {
    const place = places.take(routes.countedFor(change) ?? '', change.clusterTime);
    const replaced = routes.replacedBy(change);
    if (replaced !== undefined) into.noteReplaced(replaced, place);
    const name = routes.nameOf(change.collection);
    if (name === undefined || change.key === undefined) continue;
    const [tenantId, id] = addressee(change);
    into.push(new PastChange(scopeOf(name, tenantId), id, change.document, place, timeline.id));
  }
}

/** Of an unreachable server nothing is known: the stricter rule holds, and costs no more than time. */
async function isMongos(db: Db): Promise<boolean> {
  try {
    return (await db.admin().command({ hello: 1 })).msg === 'isdbgrid';
  } catch {
    return true;
  }
}

/** The moment up to which nothing can come any more. A part of a transaction may have come without the rest. */
function reachedBy({ changes, upTo }: Reply, isSharded: boolean): Timestamp | undefined {
  if (upTo === undefined) return undefined;
  // A replica set that has nothing more has told everything of that moment; of several shards, one may not have.
  return changes.length === 0 && !isSharded ? upTo : justBefore(upTo);
}
