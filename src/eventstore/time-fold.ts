import type { Aggregate, Command } from './aggregate.ts';
import type { Folded } from './cache.ts';
import { countingEvents, type TimeParts } from './counting.ts';
import type { StreamRef } from './read.ts';
import type { Until } from './snapshot-reads.ts';
import type { Snapshot } from './snapshots.ts';

// Which events count, of those that occurred by t and were recorded by k? Along a stream, the newest of both times so
// far only grows. Up to the first event that is beyond t or k, therefore, all count; behind it, only such count as were
// told out of order, and these are marked. So the answer is a beginning of the stream, of which a snapshot spares most,
// and the marked ones that reach over t. A snapshot is of no use where an event after it occurred before its newest.

export interface TimeFold {
  /** By projection name; null where nothing had happened. */
  readonly rows: Folded['rows'];
  /** How many events were read for it. */
  readonly read: number;
}

/** Snapshots that are fetched at once: the second is for where the first is of no use. */
const CANDIDATES = 2;

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
  let [base] = candidates;
  const [proven] = await Promise.all([counting.readOn(base), counting.readLate(base?.sequence ?? 0)]);
  if (!proven) {
    base = undefined;
    await Promise.all([counting.readOn(undefined), counting.readLate(0)]);
  }
  while (base !== undefined && counting.earliestAfter(base) < base.newestOccurredAt.getTime()) {
    const older: Snapshot | undefined = await olderThan(parts, stream, aggregate, {
      base,
      candidates,
      earliest: counting.earliestAfter(base),
    });
    const before = base.sequence;
    base = (await counting.readBetween(older, before)) ? older : undefined;
    if (base === undefined && older !== undefined) await counting.readBetween(undefined, older.sequence);
  }
  return { rows: counting.foldAfter(base, aggregate), read: counting.read() };
}

interface Unusable {
  readonly base: Snapshot;
  readonly candidates: readonly Snapshot[];
  /** When the first event after `base` occurred, in ms since 1970. */
  readonly earliest: number;
}

async function olderThan(
  { snapshots }: TimeParts,
  stream: StreamRef,
  aggregate: Aggregate<unknown, Command>,
  { base, candidates, earliest }: Unusable,
): Promise<Snapshot | undefined> {
  const isUsable = ({ sequence, newestOccurredAt }: Snapshot): boolean =>
    sequence < base.sequence && newestOccurredAt.getTime() <= earliest;
  const known = candidates.find(isUsable);
  if (known !== undefined || !Number.isFinite(earliest)) return known;
  const until = { occurredAt: new Date(earliest), sequence: base.sequence - 1 };
  const [found] = await snapshots.reads.until(stream, aggregate, until, 1);
  return found;
}
