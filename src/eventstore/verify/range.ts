import { MongoServerError, type Timestamp } from 'mongodb';
import { backoff } from '../backoff.ts';
import { isPassing } from '../faults.ts';
import { comparePlaces, type StreamPlace, type StreamRange } from '../log/ranges.ts';
import { replayStreams } from '../log/replay.ts';
import type { ReplayedStream } from '../log/stream-fold.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { type Projection, rowId } from '../projection.ts';
import { bytesOf, sameRow } from './row-difference.ts';
import { openRowReader, type RowReader, type StoredRow } from './rows.ts';
import { placeOfRow, type Suspect } from './suspect.ts';
import type { Tally } from './tally.ts';

/** What is needed to go through a range. */
export interface RangeWalk {
  readonly store: ReadModels;
  readonly projection: Projection;
  /** Everything committed until then is seen. */
  readonly notBefore: Timestamp;
  /** In the order of the log. */
  readonly tenantIds: readonly string[];
  readonly batchEvents: number;
  readonly tally: Tally;
  /** Called with how many events, or rows without a stream, were looked at. */
  pace(count: number): Promise<void>;
  suspect(suspect: Suspect): Promise<void>;
  /** Ends it before the end. */
  readonly signal: AbortSignal;
}

/** How often a range is resumed while the database is away: for about a minute. */
const TRIES = 35;
/** CursorNotFound, QueryPlanKilled: what a slow reader's cursor comes to after ten minutes, or with a dropped generation. */
const CURSOR_LOST: ReadonlySet<unknown> = new Set([43, 175]);

/** How far a range has been gone through. */
interface Reached {
  /** The last stream: where replaying goes on. */
  stream: StreamPlace | undefined;
  /** The last stream or row. */
  passed: StreamPlace | undefined;
}

/**
 * Compares the streams of a range with the rows of the same range, both read in one order. A difference only makes a
 * suspect, since the two are read one after the other while others write. Memory is bounded by the batches.
 */
export async function walkRange(walk: RangeWalk, range: StreamRange): Promise<void> {
  const { store, projection } = walk;
  const reached: Reached = { stream: undefined, passed: undefined };
  /** Failures in a row of which none came further than the one before. */
  let fruitless = 0;
  for (;;) {
    const before = reached.passed;
    const rest = reached.stream === undefined ? range : { ...range, from: reached.stream };
    try {
      return await walkOn(walk, rest, reached);
    } catch (error) {
      const isLost = error instanceof MongoServerError && CURSOR_LOST.has(error.code);
      if (!(isPassing(error) || isLost) || fruitless >= TRIES) throw error;
      // Whoever comes further begins anew: with the count, and with the wait.
      fruitless = reached.passed === before ? fruitless + 1 : 0;
      store.log.warn(
        { err: error, projection: projection.name, failures: fruitless },
        'a verification is gone on with',
      );
      await backoff(fruitless);
    }
  }
}

async function walkOn(walk: RangeWalk, range: StreamRange, reached: Reached): Promise<void> {
  const { store, projection, tenantIds, notBefore, batchEvents, tally, signal } = walk;
  const pace = (events: number): Promise<void> => walk.pace(events);
  const rows = await openRowReader(store, projection, tenantIds, range, batchEvents);
  try {
    for await (const streams of replayStreams(store, projection, range, { notBefore, batchEvents, pace })) {
      for (const stream of streams) {
        if (reached.passed !== undefined && comparePlaces(stream, reached.passed) <= 0) continue;
        await passRows(walk, rows, reached, stream);
        const { current } = rows;
        const isOurs = current !== undefined && comparePlaces(current.place, stream) === 0;
        const suspect = compare(tally, stream, isOurs ? current : undefined);
        if (isOurs) await rows.next();
        [reached.stream, reached.passed] = [stream, stream];
        if (suspect !== undefined) await walk.suspect(suspect);
      }
      if (signal.aborted) return;
    }
    await passRows(walk, rows, reached);
  } finally {
    await rows.close();
  }
}

/** Passes the rows that no stream stands behind: up to a place, or all that are left. */
async function passRows(
  walk: RangeWalk,
  rows: RowReader,
  reached: Reached,
  upTo?: StreamPlace,
): Promise<void> {
  for (;;) {
    const { current } = rows;
    if (current === undefined || walk.signal.aborted) return;
    if (upTo !== undefined && comparePlaces(current.place, upTo) >= 0) return;
    await rows.next();
    if (reached.passed !== undefined && comparePlaces(current.place, reached.passed) <= 0) continue;
    reached.passed = current.place;
    walk.tally.row();
    const { id } = current;
    await walk.suspect({ id, place: placeOfRow(id), stream: undefined });
    await walk.pace(1);
  }
}

function compare(tally: Tally, stream: ReplayedStream, row: StoredRow | undefined): Suspect | undefined {
  const expected = stream.row === null ? null : bytesOf(stream.row);
  tally.stream();
  tally.events(stream.events);
  if (row !== undefined) tally.row();
  if (stream.faults.length === 0) {
    if (expected === null && row === undefined) return undefined;
    if (expected !== null && row !== undefined && sameRow(row.bytes, expected)) {
      tally.right(expected);
      return undefined;
    }
  }
  const { tenantId, aggregateId } = stream;
  return { id: rowId(tenantId, aggregateId), place: { tenantId, aggregateId }, stream };
}
