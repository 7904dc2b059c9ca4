import type { UUID } from 'mongodb';
import type { Aggregate, Command, StreamRef } from '../aggregate.ts';
import type { Folded } from '../fold.ts';
import { type CountingEvents, countingEvents, type TimeParts } from './counting.ts';
import type { TimedSnapshot } from './snapshot-reads.ts';
import type { Until } from './until.ts';

// Which events count, of those that occurred by t and were recorded by k? Along a stream, the newest of both times so
// far only grows. So up to the first event that is beyond t or k all count; behind it only those count that came out of
// order, and these are marked. The answer is a beginning of the stream, of which a snapshot spares most, and the marked
// events that reach over t. A snapshot is of no use where an event that it does not hold occurred before its moment.

export interface TimeFold {
  /** By projection name; null where nothing had happened. */
  readonly rows: Folded['rows'];
  /** The first event that does not count, and the one before it; that is null where it is the very first. */
  readonly end: { readonly sequence: number; readonly before: UUID | null };
  /** How many events were read for it. */
  readonly read: number;
}

/** Snapshots that are fetched at once: more than one, for where the first is of no use. */
const CANDIDATES = 3;

/**
 * Folds what of a stream had happened by a moment, as far as was recorded by another, in the order in which it happened
 * (occurredAt, then sequence; what founds the stream comes first).
 */
export async function foldInTime(
  parts: TimeParts,
  stream: StreamRef,
  aggregate: Aggregate<unknown, Command>,
  until: Until,
): Promise<TimeFold> {
  const { reads, every } = parts.snapshots;
  const candidates = every === 0 ? [] : await reads.until(stream, aggregate, until, CANDIDATES);
  const counting = countingEvents(parts, stream, until);
  let base = likeliest(candidates);
  const from = base?.time.from ?? 1;
  const [proven] = await Promise.all([counting.readOn(base), counting.readLate(from)]);
  if (!proven) {
    base = undefined;
    await Promise.all([counting.readOn(undefined), counting.readLate(1)]);
  }
  while (base !== undefined && isOvertaken(base, counting)) {
    const earliest = counting.earliestBeyond(base);
    base =
      candidates.find(({ time }) => time.at.getTime() <= earliest) ??
      (await reads.until(stream, aggregate, { ...until, occurredAt: new Date(earliest) }, 1))[0];
    if (await counting.readDownTo(base)) continue;
    base = undefined;
    await counting.readDownTo(undefined);
  }
  return { rows: counting.foldAfter(base, aggregate), end: counting.end(), read: counting.read() };
}

/** The settled one that holds most: hardly anything comes that late any more. Without a settled one, the nearest. */
function likeliest(candidates: readonly TimedSnapshot[]): TimedSnapshot | undefined {
  const settled = candidates.filter(({ time }) => time.settled);
  return settled.toSorted((a, b) => b.sequence - a.sequence)[0] ?? candidates[0];
}

/** True where an event that a snapshot does not hold occurred before its moment. */
function isOvertaken(base: TimedSnapshot, counting: CountingEvents): boolean {
  return counting.earliestBeyond(base) < base.time.at.getTime();
}
