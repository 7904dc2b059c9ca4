import type { Collection } from 'mongodb';
import { STREAM_INDEX, type StreamRef } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import { RawEvent } from '../log/raw-event.ts';
import type { Registry } from '../registry.ts';
import { LATE_INDEX } from '../time-order.ts';
import { openEffects } from './effects.ts';
import type { SnapshotPlace, SnapshotReads } from './snapshot-reads.ts';
import type { Snapshot } from './snapshots.ts';
import { inStream, isRecorded, lateFilter, lateReadings, type Until } from './until.ts';

/** What the past of a stream is read from. */
export interface TimeParts {
  readonly events: Collection<StoredEvent>;
  readonly registry: Registry;
  readonly snapshots: { readonly every: number; readonly reads: SnapshotReads };
}

/** An event, and when it took effect, in ms since 1970. */
export interface Counting {
  readonly event: RawEvent;
  readonly at: number;
}

/** The events of a stream that count for a moment, as far as they have been read. */
export interface CountingEvents {
  /**
   * Reads on from a snapshot, or from the beginning, until an event does not count; to the end of what can be known,
   * where that is near.
   * @returns false where that snapshot, or the one that bounds what can be known, is of another log
   */
  readOn(base: Snapshot | undefined): Promise<boolean>;
  /** Reads those that a snapshot does not hold and that came out of order: they may count behind one that does not. */
  readLate(base: Snapshot | undefined): Promise<void>;
  /**
   * The first event of the stream, if it was known; it may not have taken effect. Undefined where a snapshot holds it.
   */
  first(): Counting | undefined;
  /** Those that count, without the first, in the order of the stream. */
  all(): Counting[];
  /** True where something that was known had not taken effect. */
  isPast(): boolean;
  /** How many were read. */
  read(): number;
}

/** Events per read where nothing says how many it will take; the number doubles and doubles again, up to the most. */
const READ_EVENTS = 100;
const MOST_EVENTS = 5_000;
/** What ends within so many snapshots is read event by event: then no late ones need be looked for. */
const NEAR_SNAPSHOTS = 4;
/** Late readings that are read at first: the newest, and one more to see whether it is alone in its moment. */
const NEWEST_READINGS = 2;

/** @param end nothing behind it was known, unless that is noted of it */
export function countingEvents(
  parts: TimeParts,
  stream: StreamRef,
  until: Until,
  end?: SnapshotPlace,
): CountingEvents {
  const { events, registry } = parts;
  const place = inStream(stream);
  const effects = openEffects(parts, place);
  const isNear = (base: Snapshot | undefined): boolean =>
    end !== undefined && end.sequence - (base?.sequence ?? 0) <= NEAR_SNAPSHOTS * parts.snapshots.every;
  const before = until.effectiveAt?.getTime() ?? Number.POSITIVE_INFINITY;
  const counting = new Map<number, Counting>();
  let first: Counting | undefined;
  let isPast = false;
  let isEndProven = end === undefined;
  let read = 0;

  /** Takes those that count; true where all of them do. */
  const take = async (found: readonly unknown[], base: Snapshot | undefined): Promise<boolean> => {
    const raw = found.map(rawEvent);
    await effects.learn(raw);
    read += raw.length;
    let all = true;
    for (const event of raw) {
      const { sequence } = event;
      if (sequence === end?.sequence) isEndProven = event._id.equals(end.eventId);
      // The one that a snapshot ends with was read to prove it.
      if (base !== undefined && sequence <= base.sequence) continue;
      const isKnown = isRecorded(event, until);
      const one = { event, at: effects.at(event) };
      if (isKnown && sequence === 1) first = one;
      else if (isKnown && one.at <= before) counting.set(sequence, one);
      else all = false;
      if (isKnown && sequence > 1 && one.at > before) isPast = true;
    }
    return all;
  };

  /** The newest late readings: all of one moment. */
  const readReadings = async (base: Snapshot | undefined): Promise<void> => {
    const { effectiveAt } = until;
    if (effectiveAt === undefined || !registry.observations(stream.aggregateType).hasReadings) return;
    if (isNear(base)) return;
    const latest = end !== undefined && end.at < effectiveAt ? end.at : effectiveAt;
    const options = { hint: LATE_INDEX, raw: true } as const;
    const found = await events
      .find(lateReadings(stream, { $lte: latest }, until, end?.sequence), options)
      .sort({ occurredAt: -1, sequence: -1 })
      .limit(NEWEST_READINGS)
      .toArray();
    const [newest, next] = (found as unknown[]).map(rawEvent);
    if (newest === undefined) return;
    const isAlone = newest.occurredAt.getTime() !== next?.occurredAt.getTime();
    if (isAlone) await take(found.slice(0, 1), base);
    else
      await take(
        await events.find(lateReadings(stream, newest.occurredAt, until, end?.sequence), options).toArray(),
        base,
      );
  };

  /** That the log has its last event shows that a snapshot is of this log. */
  const proveEnd = async ({ sequence, eventId }: SnapshotPlace): Promise<void> => {
    const found = await events.findOne(
      { ...place, sequence },
      { hint: STREAM_INDEX, projection: { _id: 1 } },
    );
    isEndProven = found?._id.equals(eventId) === true;
  };

  const readAlong = async (base: Snapshot | undefined): Promise<boolean> => {
    const least = end !== undefined && isNear(base) ? end.sequence : 0;
    let width = parts.snapshots.every || READ_EVENTS;
    let from = base?.sequence ?? 1;
    for (;;) {
      const filter = { ...place, sequence: { $gte: from, $lte: from + width } };
      const options = { hint: STREAM_INDEX, raw: true, batchSize: width + 2 };
      const found: unknown[] = await events.find(filter, options).toArray();
      if (from === base?.sequence && !(found.length > 0 && rawEvent(found[0])._id.equals(base.eventId)))
        return false;
      const all = await take(found, base);
      if (found.length <= width || (!all && from + width >= least)) return true;
      from += width + 1;
      width = Math.min(width * 4, MOST_EVENTS);
    }
  };

  return {
    async readOn(base) {
      // What is near is read along with the others.
      const proof = end === undefined || isNear(base) ? undefined : proveEnd(end);
      const [isRead] = await Promise.all([readAlong(base), proof]);
      return isRead && isEndProven;
    },
    async readLate(base) {
      const filter = lateFilter(stream, base?.sequence ?? 0, until);
      if (filter === undefined) return;
      const late = events.find(filter, { hint: LATE_INDEX, raw: true }).toArray();
      await Promise.all([late.then((found) => take(found, base)), readReadings(base)]);
    },
    first: () => first,
    all: () => [...counting.values()].sort((a, b) => a.event.sequence - b.event.sequence),
    isPast: () => isPast,
    read: () => read,
  };
}

function rawEvent(bytes: unknown): RawEvent {
  if (bytes instanceof RawEvent) return bytes;
  if (bytes instanceof Uint8Array) return new RawEvent(bytes);
  throw new Error('A raw cursor gave something else than bytes.');
}
