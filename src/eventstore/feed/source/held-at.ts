import { MongoServerError, type Timestamp } from 'mongodb';
import { retry } from '../../backoff.ts';
import type { Store } from '../../command/store.ts';
import { readStream } from '../../log/read.ts';
import type { RowFilter } from '../../projection/rows.ts';
import { matchingRowsAt } from '../../projection/rows-at.ts';
import { mayReadAgain } from '../../projection/snapshot-session.ts';
import { fold, type Projection, type Row, rowId } from '../../projection.ts';
import { ALL, justBefore, type Place } from '../cursor.ts';
import type { Past } from './history.ts';
import type { PastChange } from './ring.ts';

/** What a subscriber asks for. */
export interface RowSelection<R extends Row> {
  readonly tenantId: string;
  readonly projection: Projection<R>;
  readonly filter: RowFilter;
  matches(row: R): boolean;
}

/** The same text for all who ask for the same rows. */
export function selectionKey({ projection, tenantId, filter }: RowSelection<Row>): string {
  return JSON.stringify([projection.name, tenantId, filter]);
}

/** What of a row has to be known to tell what becomes of it. */
export type HeldRow = Pick<Row, 'id' | 'lastSequence'>;

/** Where a client was, and what is known of the time since. */
export interface Return {
  readonly after: Place;
  readonly past: Past;
  /** Where the stream was when `past` was made. */
  readonly place: Place;
}

/** Tells what the client of a subscriber has that goes on from a place: the rows that matched there. */
export interface HeldAt {
  /** @returns undefined where it cannot be told any more. @throws what MongoDB throws */
  at<R extends Row>(wanted: RowSelection<R>, from: Return): Promise<readonly HeldRow[] | undefined>;
}

/** SnapshotTooOld: by default, after five minutes. */
const TOO_OLD = 239;
/** SnapshotUnavailable: the collection was made or changed since. */
const UNAVAILABLE = 246;
const TRIES = 5;
/** Rows that are folded from the log for one subscriber; where it takes more, a snapshot is better. */
const FOLDED_ROWS = 500;
/** How long the rows of a filter are kept for others who have the same, in ms. */
const KEEP_MS = 2_000;

/** Rows that matched at a moment. */
interface Matching {
  readonly time: Timestamp;
  readonly rows: Promise<readonly HeldRow[]>;
}

/** A moment that cannot be read any more, and nothing else tells of it. */
class Unknowable extends Error {}

type Reads = Pick<Store, 'db' | 'events' | 'registry'>;

export function openHeldAt(store: Reads): HeldAt {
  const matching = new Map<string, Matching>();
  /** Each row as it was before a change, for all who come back from before that change. */
  const previous = new WeakMap<PastChange, Promise<Row | null>>();

  /** The rows that match at a moment, or at another one since `from`: what changed between the two is known. */
  const matchingAt = (wanted: RowSelection<Row>, time: Timestamp, from: Timestamp | undefined): Matching => {
    const { projection, tenantId, filter } = wanted;
    const key = selectionKey(wanted);
    const known = matching.get(key);
    if (known !== undefined && from !== undefined && !known.time.lessThan(from)) return known;
    const bound = { $and: [{ tenantId }, filter] };
    const fields = { id: 1, lastSequence: 1 };
    const read = {
      time,
      rows: atMoment(() => matchingRowsAt(store.db, projection.name, bound, time, fields)),
    };
    if (from === undefined) return read;
    matching.set(key, read);
    const forget = (): void => {
      if (matching.get(key) === read) matching.delete(key);
    };
    read.rows.then(() => setTimeout(forget, KEEP_MS).unref(), forget);
    return read;
  };

  const previousOf = (wanted: RowSelection<Row>, changes: readonly PastChange[]): Promise<(Row | null)[]> => {
    const unread = changes.filter((change) => !previous.has(change));
    const reading = unread.length === 0 ? undefined : readPrevious(store, wanted, unread);
    for (const change of unread) {
      const row = reading?.then((rows) => rows.get(change.id) ?? null) ?? Promise.resolve(null);
      row.catch(() => previous.delete(change));
      previous.set(change, row);
    }
    return Promise.all(changes.map((change) => previous.get(change) ?? null));
  };

  return {
    async at(wanted, { after, past, place }) {
      const firsts = firstChanges(past.missed);
      // Of the moment that the stream is at, some may be still to come.
      const isWhole = place.ordinal === ALL;
      const isAhead = after.ordinal === ALL && !isWhole && !place.time.greaterThan(after.time);
      const time = isAhead ? after.time : isWhole ? place.time : justBefore(place.time);
      try {
        const now = matchingAt(wanted, time, isAhead ? undefined : past.from);
        const matchingNow = await now.rows;
        const states = toldStates(past.told, firsts, now.time);
        const unseen = [...firsts.values()].filter(({ id }) => !states.has(id));
        const rows = await previousOf(wanted, unseen);
        for (const [index, { id }] of unseen.entries()) states.set(id, rows[index] ?? null);
        const held: HeldRow[] = matchingNow.filter(({ id }) => !states.has(id));
        for (const row of states.values()) if (row !== null && wanted.matches(row as never)) held.push(row);
        return held.map(({ id, lastSequence }) => ({ id, lastSequence }));
      } catch (error) {
        if (error instanceof Unknowable) return undefined;
        throw error;
      }
    },
  };
}

/** The first change of each row. */
function firstChanges(changes: readonly PastChange[]): Map<string, PastChange> {
  const firsts = new Map<string, PastChange>();
  for (const change of changes) if (!firsts.has(change.id)) firsts.set(change.id, change);
  return firsts;
}

/** Rows as the last change that was told left them: of those that changed later, and of those told of since `time`. */
function toldStates(
  told: readonly PastChange[],
  later: ReadonlyMap<string, unknown>,
  time: Timestamp,
): Map<string, Row | null> {
  const states = new Map<string, Row | null>();
  let missing = later.size;
  for (const change of told.toReversed()) {
    const isSince = change.place.time.greaterThan(time);
    if (!isSince && missing === 0) break;
    const isLater = later.has(change.id);
    if (states.has(change.id) || !(isSince || isLater)) continue;
    states.set(change.id, change.delivery().document as Row | null);
    if (isLater) missing -= 1;
  }
  return states;
}

/** Rows as they were before these changes, the first of each that are known; those that there were, by id. */
async function readPrevious(
  store: Reads,
  wanted: RowSelection<Row>,
  changes: readonly PastChange[],
): Promise<Map<string, Row>> {
  const { projection, tenantId } = wanted;
  const open = changes.filter((change) => sequenceOf(change) !== 1);
  const [first] = open;
  if (first === undefined) return new Map();
  const wantedIds = { _id: { $in: open.map(({ id }) => rowId(tenantId, id)) } };
  const time = justBefore(first.place.time);
  try {
    const rows = await atMoment(() => matchingRowsAt(store.db, projection.name, wantedIds, time));
    return new Map(rows.map((row) => [row.id, row]));
  } catch (error) {
    const isFoldable = projection.mode === 'inline' && open.length <= FOLDED_ROWS;
    if (!(error instanceof Unknowable && isFoldable)) throw error;
    const rows = new Map<string, Row>();
    for (const change of open) {
      const row = await foldBefore(store, projection, tenantId, change);
      if (row !== null) rows.set(row.id, row);
    }
    return rows;
  }
}

/** An inline row takes its events one by one: before a change it was the fold of those before. */
async function foldBefore(
  store: Reads,
  projection: Projection,
  tenantId: string,
  change: PastChange,
): Promise<Row | null> {
  const sequence = sequenceOf(change);
  if (sequence === undefined) throw new Unknowable();
  const stream = { tenantId, aggregateType: projection.aggregateType, aggregateId: change.id };
  let row: Row | null = null;
  for await (const event of readStream(store, stream)) {
    if (event.sequence >= sequence) break;
    row = fold(projection, row, event);
  }
  return row;
}

function sequenceOf(change: PastChange): number | undefined {
  return (change.delivery().document as Row | null)?.lastSequence;
}

/** @throws Unknowable where the moment is over; what MongoDB throws */
async function atMoment<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await retry(read, {
      when: (error) => codeOf(error) !== TOO_OLD && mayReadAgain(error),
      tries: TRIES - 1,
    });
  } catch (error) {
    const code = codeOf(error);
    throw code === TOO_OLD || code === UNAVAILABLE ? new Unknowable() : error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof MongoServerError ? error.code : undefined;
}
