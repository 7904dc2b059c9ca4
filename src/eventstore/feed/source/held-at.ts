import { MongoServerError, type Timestamp } from 'mongodb';
import { retry } from '../../backoff.ts';
import type { Log } from '../../log/log.ts';
import { readStream } from '../../log/read.ts';
import { NewerVersion } from '../../newer.ts';
import { matchingRowsAt, mayReadAgain } from '../../projection/rows-at.ts';
import { fold, type Projection, type Row, rowId } from '../../projection.ts';
import { ALL, justBefore, type PastChange, type Place } from '../cursor.ts';
import { type RowSelection, selectionKey } from '../subscription.ts';
import type { Resumed } from './source.ts';

/** A row that a client has: no more of it need be known to tell what a change means to the client. */
export type HeldRow = Pick<Row, 'id' | 'lastSequence'>;

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

/** A moment that cannot be read any more, and what was then cannot be found out otherwise. */
class MomentGone extends Error {}

type RowReads = Pick<Log, 'db' | 'events' | 'registry'>;
type RowOwner = Pick<RowSelection<Row>, 'projection' | 'tenantId'>;

/**
 * Rows as they were before changes; null where there was none.
 * @param changes of each row the first that is known
 * @throws MomentGone; what MongoDB throws
 */
type RowsBefore = (owner: RowOwner, changes: readonly PastChange[]) => Promise<(Row | null)[]>;

/** Finds out which rows a client had that comes back; one object for all clients of a feed. */
export class HeldAt {
  readonly #reads: RowReads;
  readonly #rowsBefore: RowsBefore;
  /** By selection. */
  readonly #matching = new Map<string, Matching>();

  constructor(reads: RowReads) {
    this.#reads = reads;
    this.#rowsBefore = openRowsBefore(reads);
  }

  /**
   * The rows that matched at `after`, which are those that the client had there: those that match now and have not changed
   * since, and of those that have changed, the ones that matched before.
   * @returns undefined where that cannot be found out any more. @throws what MongoDB throws
   */
  async at<R extends Row>(
    selection: RowSelection<R>,
    after: Place,
    resumed: Pick<Resumed, 'past' | 'place'>,
  ): Promise<readonly HeldRow[] | undefined> {
    const { told, missed, from } = resumed.past;
    const changed = firstChanges(missed);
    const { time, isAhead } = momentOf(after, resumed.place);
    try {
      const matching = this.#matchingAt(selection, time, isAhead ? undefined : from);
      const rows = await matching.rows;
      const before = lastTold(told, changed, matching.time);
      const unknown = [...changed.values()].filter(({ id }) => !before.has(id));
      const read = await this.#rowsBefore(selection, unknown);
      for (const [index, { id }] of unknown.entries()) before.set(id, read[index] ?? null);
      const held: HeldRow[] = rows.filter(({ id }) => !before.has(id));
      for (const row of before.values()) if (row !== null && selection.matches(row as R)) held.push(row);
      return held.map(({ id, lastSequence }) => ({ id, lastSequence }));
    } catch (error) {
      if (error instanceof MomentGone) return undefined;
      throw error;
    }
  }

  /** The rows that match at `time`, or at another moment since `from`: what changed between the two is known. */
  #matchingAt(selection: RowSelection<Row>, time: Timestamp, from: Timestamp | undefined): Matching {
    const key = selectionKey(selection);
    const known = this.#matching.get(key);
    if (known !== undefined && from !== undefined && !known.time.lessThan(from)) return known;
    const { projection, tenantId, filter } = selection;
    const bound = { $and: [{ tenantId }, filter] };
    const fields = { id: 1, lastSequence: 1 };
    const rows = atMoment(() => matchingRowsAt(this.#reads.db, projection.name, bound, time, fields));
    const matching = { time, rows };
    if (from !== undefined) this.#keep(key, matching);
    return matching;
  }

  #keep(key: string, matching: Matching): void {
    this.#matching.set(key, matching);
    const forget = (): void => {
      if (this.#matching.get(key) === matching) this.#matching.delete(key);
    };
    matching.rows.then(() => setTimeout(forget, KEEP_MS).unref(), forget);
  }
}

/** The moment at which to read what matches. Of the one that the stream has come to, some changes may be still to come. */
function momentOf(after: Place, now: Place): { readonly time: Timestamp; readonly isAhead: boolean } {
  const isWhole = now.ordinal === ALL;
  const isAhead = after.ordinal === ALL && !isWhole && !now.time.greaterThan(after.time);
  if (isAhead) return { time: after.time, isAhead };
  return { time: isWhole ? now.time : justBefore(now.time), isAhead };
}

/** The first change of each row, by id. */
function firstChanges(changes: readonly PastChange[]): Map<string, PastChange> {
  const firsts = new Map<string, PastChange>();
  for (const change of changes) if (!firsts.has(change.id)) firsts.set(change.id, change);
  return firsts;
}

/**
 * Rows as they were at the client's place, by the last change up to it: those that changed later, and those that changed
 * since `time`, at which it was read what matches.
 */
function lastTold(
  told: readonly PastChange[],
  later: ReadonlyMap<string, unknown>,
  time: Timestamp,
): Map<string, Row | null> {
  const rows = new Map<string, Row | null>();
  let missing = later.size;
  for (const change of told.toReversed()) {
    const isSince = change.place.time.greaterThan(time);
    if (!isSince && missing === 0) break;
    const isLater = later.has(change.id);
    if (rows.has(change.id) || !(isSince || isLater)) continue;
    rows.set(change.id, change.delivery().document as Row | null);
    if (isLater) missing -= 1;
  }
  return rows;
}

/** Finds each row once for all clients that come back from before the same change. */
function openRowsBefore(reads: RowReads): RowsBefore {
  const known = new WeakMap<PastChange, Promise<Row | null>>();
  return (owner, changes) => {
    const unread = changes.filter((change) => !known.has(change));
    const reading = unread.length === 0 ? undefined : readBefore(reads, owner, unread);
    for (const change of unread) {
      const row = reading?.then((rows) => rows.get(change.id) ?? null) ?? Promise.resolve(null);
      row.catch(() => known.delete(change));
      known.set(change, row);
    }
    return Promise.all(changes.map((change) => known.get(change) ?? null));
  };
}

/** By id, those that there were: read just before the first change, or where that is gone, folded from the log. */
async function readBefore(
  reads: RowReads,
  { projection, tenantId }: RowOwner,
  changes: readonly PastChange[],
): Promise<Map<string, Row>> {
  const open = changes.filter((change) => sequenceOf(change) !== 1);
  const [first] = open;
  if (first === undefined) return new Map();
  const withIds = { _id: { $in: open.map(({ id }) => rowId(tenantId, id)) } };
  const time = justBefore(first.place.time);
  try {
    const rows = await atMoment(() => matchingRowsAt(reads.db, projection.name, withIds, time));
    return new Map(rows.map((row) => [row.id, row]));
  } catch (error) {
    const isFoldable = projection.mode === 'inline' && open.length <= FOLDED_ROWS;
    if (!(error instanceof MomentGone && isFoldable)) throw error;
    const rows = new Map<string, Row>();
    for (const change of open) {
      const row = await foldBefore(reads, projection, tenantId, change);
      if (row !== null) rows.set(row.id, row);
    }
    return rows;
  }
}

/** An inline row takes its events one by one: before a change it was the fold of the events before. */
async function foldBefore(
  reads: RowReads,
  projection: Projection,
  tenantId: string,
  change: PastChange,
): Promise<Row | null> {
  const sequence = sequenceOf(change);
  if (sequence === undefined) throw new MomentGone();
  const stream = { tenantId, aggregateType: projection.aggregateType, aggregateId: change.id };
  let row: Row | null = null;
  try {
    for await (const event of readStream(reads, stream)) {
      if (event.sequence >= sequence) break;
      row = fold(projection, row, event);
    }
  } catch (error) {
    // A newer version has recorded what this one can't fold, nor tell what the row was.
    throw error instanceof NewerVersion ? new MomentGone() : error;
  }
  return row;
}

function sequenceOf(change: PastChange): number | undefined {
  return (change.delivery().document as Row | null)?.lastSequence;
}

/** Reads as of a moment, again where that may help. @throws MomentGone where the moment is over; what MongoDB throws */
async function atMoment<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await retry(read, {
      when: (error) => codeOf(error) !== TOO_OLD && mayReadAgain(error),
      tries: TRIES - 1,
    });
  } catch (error) {
    const code = codeOf(error);
    throw code === TOO_OLD || code === UNAVAILABLE ? new MomentGone() : error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof MongoServerError ? error.code : undefined;
}
