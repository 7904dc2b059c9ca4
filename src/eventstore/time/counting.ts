import type { Collection, UUID } from 'mongodb';
import { type Aggregate, type Command, STREAM_INDEX, type StreamRef } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import type { Folded } from '../fold.ts';
import { RawEvent, wholeRow } from '../log/raw-event.ts';
import { fold, type Row } from '../projection.ts';
import type { Registry } from '../registry.ts';
import { LATE_INDEX } from '../time-order.ts';
import type { SnapshotReads, TimedSnapshot } from './snapshot-reads.ts';
import { inStream, isRecorded, isWithin, lateFilter, rangeFilter, type Until } from './until.ts';

/** What a fold in the order of time is made from. */
export interface TimeParts {
  readonly events: Collection<StoredEvent>;
  readonly registry: Registry;
  readonly snapshots: { readonly every: number; readonly reads: SnapshotReads };
}

/** The events of a stream that count for a moment, as far as they have been read. */
export interface CountingEvents {
  /**
   * Reads on from a snapshot, or from the beginning, until an event does not count.
   * @returns false where the snapshot is of another log
   */
  readOn(base: TimedSnapshot | undefined): Promise<boolean>;
  /** Reads those that came out of order, from a sequence on: they may count behind one that does not. */
  readLate(fromSequence: number): Promise<void>;
  /** Reads what an older snapshot, or the beginning, asks for before what has been read. Returns as readOn. */
  readDownTo(base: TimedSnapshot | undefined): Promise<boolean>;
  /** When the first of those that a snapshot does not hold occurred, in ms since 1970. */
  earliestBeyond(base: TimedSnapshot): number;
  /** Folds them in the order of time. */
  foldAfter(base: TimedSnapshot | undefined, aggregate: Aggregate<unknown, Command>): Folded['rows'];
  /** The first event that does not count, and the one before it; that is null where it is the very first. */
  end(): { readonly sequence: number; readonly before: UUID | null };
  /** How many were read. */
  read(): number;
}

/** Events per read where nothing says how many it will take; the number doubles and doubles again, up to the most. */
const READ_EVENTS = 100;
const MOST_EVENTS = 5_000;

export function countingEvents(parts: TimeParts, stream: StreamRef, until: Until): CountingEvents {
  const { events, registry } = parts;
  const counting = new Map<number, RawEvent>();
  const place = inStream(stream);
  /** The lowest sequence that was read; all that count from there on are known. */
  let lowest = 1;

  /** Those that count among the sequences `first` to `last`; true where all of them do. */
  const take = async (first: number, last: number): Promise<boolean> => {
    const upTo = Math.min(last, until.sequence ?? last);
    const options = { hint: STREAM_INDEX, raw: true, batchSize: last - first + 2 };
    const found: unknown[] = await events.find(rangeFilter(place, first, upTo, until), options).toArray();
    let count = 0;
    for (const event of found.map(rawEvent)) {
      if (!isWithin(event, until) && !(isFounding(registry, event) && isRecorded(event, until))) continue;
      counting.set(event.sequence, event);
      count += 1;
    }
    return count === last - first + 1;
  };

  /** That the log has its last event shows that a snapshot is of this log. */
  const isProven = (base: TimedSnapshot | undefined): boolean =>
    base === undefined || counting.get(base.time.from - 1)?._id.equals(base.time.eventId) === true;

  return {
    async readOn(base) {
      let width = parts.snapshots.every || READ_EVENTS;
      let first = firstOf(base);
      lowest = first;
      for (let more = true; more; ) {
        more = await take(first, first + width);
        if (first === lowest && !isProven(base)) return false;
        first += width + 1;
        width = Math.min(width * 4, MOST_EVENTS);
      }
      return true;
    },
    async readLate(fromSequence) {
      const filter = lateFilter(stream, fromSequence, until);
      if (filter === undefined) return;
      const found: unknown[] = await events.find(filter, { hint: LATE_INDEX, raw: true }).toArray();
      for (const event of found.map(rawEvent)) counting.set(event.sequence, event);
    },
    async readDownTo(base) {
      const first = firstOf(base);
      if (first < lowest) await take(first, lowest - 1);
      lowest = Math.min(first, lowest);
      return isProven(base);
    },
    earliestBeyond(base) {
      let earliest = Number.POSITIVE_INFINITY;
      for (const event of counting.values())
        if (isBeyond(base, event)) earliest = Math.min(earliest, event.occurredAt.getTime());
      return earliest;
    },
    end() {
      let sequence = lowest;
      while (counting.has(sequence)) sequence += 1;
      return { sequence, before: counting.get(sequence - 1)?._id ?? null };
    },
    foldAfter(base, aggregate) {
      const beyond = [...counting.values()].filter((event) => base === undefined || isBeyond(base, event));
      const hasBegun = base !== undefined || beyond.some((event) => isWithin(event, until));
      return hasBegun ? rowsAfter(registry, base, aggregate, inTimeOrder(registry, beyond)) : {};
    },
    read: () => counting.size,
  };
}

function rawEvent(bytes: unknown): RawEvent {
  if (bytes instanceof Uint8Array) return new RawEvent(bytes);
  throw new Error('A raw cursor gave something else than bytes.');
}

/** Where to read on from a snapshot: from the event that proves it. */
function firstOf(base: TimedSnapshot | undefined): number {
  return base === undefined ? 1 : base.time.from - 1;
}

/** True for an event that a snapshot does not hold. */
function isBeyond(base: TimedSnapshot, { sequence, occurredAt }: RawEvent): boolean {
  return sequence >= base.time.from && (sequence > base.sequence || occurredAt > base.time.at);
}

/** The type is looked at only where it matters: it is decoded when it is asked for. */
function isFounding(registry: Registry, event: RawEvent): boolean {
  return event.sequence === 1 && registry.isFounding(event.type);
}

function inTimeOrder(registry: Registry, events: readonly RawEvent[]): RawEvent[] {
  const timed = events.map((event) => ({
    event,
    sequence: event.sequence,
    at: isFounding(registry, event) ? Number.NEGATIVE_INFINITY : event.occurredAt.getTime(),
  }));
  timed.sort((a, b) => (a.at === b.at ? a.sequence - b.sequence : a.at - b.at));
  return timed.map(({ event }) => event);
}

function rowsAfter(
  registry: Registry,
  base: TimedSnapshot | undefined,
  { projections }: Aggregate<unknown, Command>,
  events: readonly RawEvent[],
): Folded['rows'] {
  const rows: Record<string, Row | null> = {};
  for (const projection of projections) {
    const { name } = projection;
    let row: Row | null = (base?.time.rows ?? base?.rows)?.[name] ?? null;
    // An event over its bytes cannot be copied, as bringing it up to date would.
    for (const event of events)
      row = fold(projection, row, registry.isNewest(event) ? event : registry.upcast(event.whole()));
    rows[name] = row === null ? null : wholeRow(row);
  }
  return rows;
}
