import type { Aggregate, Command, StreamRef } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import type { Folded } from '../fold.ts';
import { type RawEvent, wholeRow } from '../log/raw-event.ts';
import { fold, type Row } from '../projection.ts';
import type { Registry } from '../registry.ts';
import { type Counting, type CountingEvents, countingEvents, type TimeParts } from './counting.ts';
import { newestOf, type Snapshot } from './snapshots.ts';
import type { Until } from './until.ts';

// Which events count, of those that took effect by t and were recorded by k? Along a stream, the newest of both times so
// far only grows. So up to the first event that is beyond t or k all count; behind it only those count that came out of
// order, and these are marked. The answer is a beginning of the stream, of which a snapshot spares most, and the marked
// events that reach over t. They fold in the order of the stream: what is beyond a snapshot follows upon it.

export interface TimeFold {
  /** By projection name; null where nothing had happened. */
  readonly rows: Folded['rows'];
  /** How many events were read for it. */
  readonly read: number;
}

/** Folds what of a stream had taken effect by a moment, as far as was recorded by another. */
export async function foldInTime(
  parts: TimeParts,
  stream: StreamRef,
  aggregate: Aggregate<unknown, Command>,
  until: Until,
): Promise<TimeFold> {
  const { reads, every } = parts.snapshots;
  const { effectiveAt, recordedAt } = until;
  const isBoth = effectiveAt !== undefined && recordedAt !== undefined;
  let [base, end] =
    every === 0
      ? []
      : await Promise.all([
          reads.until(stream, aggregate, until),
          isBoth ? reads.beyond(stream, aggregate, recordedAt) : undefined,
        ]);
  let counting = countingEvents(parts, stream, until, end);
  const [isProven] = await Promise.all([counting.readOn(base), counting.readLate(base)]);
  if (!isProven) {
    base = end = undefined;
    counting = countingEvents(parts, stream, until, end);
    await Promise.all([counting.readOn(base), counting.readLate(base)]);
  }
  return { rows: rowsOf(parts.registry, aggregate, base, counting, until), read: counting.read() };
}

function rowsOf(
  registry: Registry,
  { projections }: Aggregate<unknown, Command>,
  base: Snapshot | undefined,
  counting: CountingEvents,
  until: Until,
): Folded['rows'] {
  const first = counting.first();
  const beyond = counting.all();
  if (base === undefined && !hasBegun(registry, first, beyond, until)) return {};
  const events = [...(base === undefined && first !== undefined ? [first] : []), ...beyond];
  const last = counting.isPast() ? lastToTakeEffect(base, events) : undefined;
  const rows: Record<string, Row | null> = {};
  for (const projection of projections) {
    const { name } = projection;
    let row: Row | null = base?.rows[name] ?? null;
    // An event over its bytes cannot be copied, as bringing it up to date would.
    for (const { event } of events)
      row = fold(projection, row, registry.isNewest(event) ? event : registry.upcast(event.whole()));
    rows[name] = row === null ? null : endedWith(wholeRow(row), last);
  }
  return rows;
}

/** True once the first event had taken effect, by itself or with what was seen before it. */
function hasBegun(
  registry: Registry,
  first: Counting | undefined,
  others: readonly Counting[],
  { effectiveAt }: Until,
): boolean {
  if (first === undefined) return false;
  if (effectiveAt === undefined || first.at <= effectiveAt.getTime()) return true;
  return others.some(({ event }) => registry.timing(event) !== 'decision');
}

/** In the past, what happened last is what took effect last, even where it was recorded before something else. */
function lastToTakeEffect(base: Snapshot | undefined, events: readonly Counting[]): StoredEvent | undefined {
  let newest: RawEvent | undefined;
  let newestAt = base?.newestAt.getTime() ?? Number.NEGATIVE_INFINITY;
  for (const { event, at } of events) {
    // The first event comes before all others, whenever it occurred.
    const effect = event.sequence === 1 ? Number.NEGATIVE_INFINITY : at;
    if (effect < newestAt) continue;
    newest = event;
    newestAt = effect;
  }
  return newest?.whole() ?? (base === undefined ? undefined : newestOf(base));
}

function endedWith<R extends Row>(row: R, last: StoredEvent | undefined): R {
  if (last === undefined) return row;
  return { ...row, lastSequence: last.sequence, lastEvent: last, updatedAt: last.recordedAt };
}
