import type { StoredEvent } from '../event.ts';
import { NewerVersion } from '../newer.ts';
import { asStored, type Body, fold, type Projection, type Row, withoutStamp } from '../projection.ts';
import type { Registry } from '../registry.ts';
import { type RawEvent, wholeRow } from './raw-event.ts';

/** What is wrong with a stream's sequences, or keeps it from being folded to its end. */
export type StreamFault =
  /** Events `from` to `to` are missing; the row has the others, as it has with the projector. */
  | { readonly kind: 'hole'; readonly from: number; readonly to: number }
  /** There are two events of this sequence; the row has one of them. */
  | { readonly kind: 'double'; readonly sequence: number }
  /** An event is of a type or version that only a newer Waybill knows; the row stands before it. */
  | { readonly kind: 'newer'; readonly sequence: number; readonly eventId: string; readonly what: string }
  /** An event cannot be folded; the row stands before it. */
  | {
      readonly kind: 'poison';
      readonly sequence: number;
      readonly eventId: string;
      readonly error: string;
    };

/** A stream as the log has it, and what a read model makes of it. */
export interface ReplayedStream<R extends Row = Row> {
  readonly tenantId: string;
  /** A UUID in text form. */
  readonly aggregateId: string;
  /** Of the log; a row that stands before an event which cannot be folded has less. */
  readonly lastSequence: number;
  readonly events: number;
  /** Null where the stream has none. */
  readonly row: R | null;
  readonly faults: readonly StreamFault[];
}

/** Folds events that come stream by stream, each stream in sequence order. */
export interface StreamFold<R extends Row> {
  /** @returns the stream before, if this event is of another one */
  take(event: RawEvent): ReplayedStream<R> | undefined;
  /** @returns the last stream, if there was any */
  end(): ReplayedStream<R> | undefined;
}

interface Progress<R extends Row> {
  last: RawEvent;
  lastSequence: number;
  events: number;
  row: R | null;
  readonly faults: StreamFault[];
  /** By an event that cannot be folded: what comes after it would fold to nonsense. */
  stuck: boolean;
}

export function openStreamFold<R extends Row>(projection: Projection<R>, registry: Registry): StreamFold<R> {
  let stream: Progress<R> | undefined;

  const foldInto = (into: Progress<R>, event: RawEvent): void => {
    try {
      const newest = registry.isNewest(event) ? event : registry.upcast(event.whole());
      into.row = foldOwned(projection, into.row, newest);
    } catch (error) {
      // One bad fact must not hold up all others.
      into.stuck = true;
      const eventId = event._id.toString();
      if (error instanceof NewerVersion) {
        into.faults.push({ kind: 'newer', sequence: event.sequence, eventId, what: error.what });
        return;
      }
      into.faults.push({ kind: 'poison', sequence: event.sequence, eventId, error: String(error) });
    }
  };

  const add = (into: Progress<R>, event: RawEvent): void => {
    const { sequence } = event;
    const next = into.lastSequence + 1;
    into.last = event;
    into.events += 1;
    if (sequence < next) {
      into.faults.push({ kind: 'double', sequence });
      return;
    }
    if (sequence > next) into.faults.push({ kind: 'hole', from: next, to: sequence - 1 });
    into.lastSequence = sequence;
    if (!into.stuck) foldInto(into, event);
  };

  const end = (): ReplayedStream<R> | undefined => {
    if (stream === undefined) return undefined;
    const { last, lastSequence, events, row, faults } = stream;
    const { tenantId, aggregateId } = row === null ? idsOf(last) : { ...row, aggregateId: row.id };
    stream = undefined;
    return { tenantId, aggregateId, lastSequence, events, row: row === null ? null : wholeRow(row), faults };
  };

  return {
    end,
    take(event) {
      const ended = stream?.last.continues(event) ? undefined : end();
      stream ??= { last: event, lastSequence: 0, events: 0, row: null, faults: [], stuck: false };
      add(stream, event);
      return ended;
    },
  };
}

function idsOf(event: RawEvent): { readonly tenantId: string; readonly aggregateId: string } {
  const { tenantId, aggregateId } = event.whole();
  return { tenantId, aggregateId: aggregateId.toString() };
}

/**
 * As `fold`, for a replay that holds the row alone and has no use for the one before: what `evolve` merely changed of
 * it is completed in place, since copying a row for each of its events is what a fold spends most of its time on.
 * @param row what an earlier call returned, or null; it is no longer valid afterwards
 */
function foldOwned<R extends Row>(projection: Projection<R>, row: R | null, event: StoredEvent): R | null {
  if (row === null) return fold(projection, row, event);
  const { _id, tenantId, id, createdAt } = row;
  const body = projection.evolve(row, event);
  if (body === null) return null;
  // Made of the row, which is ours, so that it is ours as well. A fresh one may be anybody's, a constant even.
  const owned: Body<R> & Draft = isMadeOf(row, body) ? body : { ...body };
  owned._id = _id;
  owned.tenantId = tenantId;
  owned.id = id;
  owned.lastSequence = event.sequence;
  owned.lastEvent = withoutStamp(asStored(event));
  owned.createdAt = createdAt;
  owned.updatedAt = event.recordedAt;
  return owned as R & Draft;
}

type Draft = { -readonly [Field in keyof Row]?: Row[Field] };

function isMadeOf<R extends Row>(row: R, body: Body<R> & Draft): boolean {
  return body === row || body._id === row._id;
}
