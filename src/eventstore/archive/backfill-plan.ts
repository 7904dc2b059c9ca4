import { isDeepStrictEqual } from 'node:util';
import { BSON, Timestamp } from 'mongodb';
import type { StoredEvent } from '../event.ts';
import { streamOf, type Tip, tipAfter } from '../log/stream-tips.ts';
import type { Registry } from '../registry.ts';
import { marked } from '../time-order.ts';
import type { EventLines } from './event-line.ts';

/** Why the log does not take an event. */
export type BackfillRefusal = 'EVENT_ID_REUSED' | 'SEQUENCE_TAKEN' | 'HOLE' | 'AFTER_REFUSED';

/** An event that is to be added to the log, and the line of the file on which it stands. */
export interface BackfillEvent {
  readonly line: number;
  readonly event: StoredEvent;
}

export interface RefusedEvent {
  readonly line: number;
  readonly reason: BackfillRefusal;
  readonly message: string;
}

/** What the log has of a batch's events and streams. */
export interface LogState {
  /** The batch's events that are in the log already, as they are stored, by id in hex. */
  readonly stored: ReadonlyMap<string, Uint8Array>;
  readonly ends: ReadonlyMap<string, Tip>;
  /** Streams of which something was refused before. */
  readonly broken: ReadonlySet<string>;
  readonly lines: EventLines;
  readonly registry: Registry;
}

/** What is to be done with a batch, by what the log has. */
export interface BackfillPlan {
  /** To be recorded. */
  readonly fresh: readonly StoredEvent[];
  readonly repeated: number;
  readonly refused: readonly RefusedEvent[];
  /** Where the streams end after that. */
  readonly tips: ReadonlyMap<string, Tip>;
  /** Streams on which nothing may follow any more. */
  readonly broken: readonly string[];
}

/** Decides upon each event of a batch, in its order. */
export function planBackfill(
  items: readonly BackfillEvent[],
  { stored, ends, broken, lines, registry }: LogState,
): BackfillPlan {
  const taken = new Map<string, StoredEvent>();
  const tips = new Map(ends);
  const refusedStreams = new Set<string>();
  const fresh: StoredEvent[] = [];
  const refused: RefusedEvent[] = [];
  let repeated = 0;
  for (const { line, event } of items) {
    const id = event._id.toHexString(false);
    const stream = streamOf(event);
    const same = taken.get(id);
    const earlier = same === undefined ? stored.get(id) : BSON.serialize(same);
    const tip = tips.get(stream);
    if (tip === undefined) throw new Error(`Nobody has asked for the end of ${stream}.`);
    const reason =
      earlier === undefined
        ? reasonAgainst(event, tip.sequence, broken.has(stream) || refusedStreams.has(stream))
        : reasonAgainstOther(earlier, event, lines);
    if (reason !== undefined) {
      refusedStreams.add(stream);
      refused.push({ line, reason, message: messageOf(reason, event, tip.sequence) });
      continue;
    }
    tips.set(stream, tipAfter(registry, tip, event));
    if (earlier !== undefined) repeated += 1;
    else {
      // As if it had been appended here: reads of the past go by what is noted. Lines from elsewhere may say nothing of it.
      fresh.push(marked(event, tip.extent, registry.timing(event)));
      taken.set(id, event);
    }
  }
  return { fresh, repeated, refused, tips, broken: [...refusedStreams] };
}

function reasonAgainst(
  { sequence }: StoredEvent,
  tip: number,
  isBroken: boolean,
): BackfillRefusal | undefined {
  if (sequence <= tip) return 'SEQUENCE_TAKEN';
  // Even where its sequence fits: it was decided by a history that this log does not have.
  if (isBroken) return 'AFTER_REFUSED';
  return sequence > tip + 1 ? 'HOLE' : undefined;
}

/** Mostly the bytes are the same, but for the stamp. Where only the order of fields differs, or what is noted of its time, it is the same event, too. */
function reasonAgainstOther(
  stored: Uint8Array,
  event: StoredEvent,
  lines: EventLines,
): BackfillRefusal | undefined {
  if (isSameButForStamp(stored, event)) return undefined;
  const [one, other] = [BSON.deserialize(stored) as StoredEvent, event].map((each) => {
    const json = JSON.parse(lines.write(each));
    delete json.metadata.lateWithinMs;
    delete json.metadata.effectiveAt;
    return json;
  });
  return isDeepStrictEqual(one, other) ? undefined : 'EVENT_ID_REUSED';
}

function messageOf(reason: BackfillRefusal, event: StoredEvent, tip: number): string {
  const { _id, aggregateType, aggregateId, sequence } = event;
  const stream = `${aggregateType} ${aggregateId}`;
  switch (reason) {
    case 'EVENT_ID_REUSED':
      return `The log has an event ${_id} with other content.`;
    case 'SEQUENCE_TAKEN':
      return `The log has another event ${sequence} of ${stream}.`;
    case 'HOLE':
      return `Event ${sequence} of ${stream} would follow event ${tip}.`;
    case 'AFTER_REFUSED':
      return `An earlier event of ${stream} was refused.`;
  }
}

/** A stamp is the last of an event's fields: its 8 bytes stand before the zero that ends the document. */
const STAMP_BYTES = 8;
const ANY_STAMP = new Timestamp(0n);
const END_BYTES = 1;

function isSameButForStamp(stored: Uint8Array, event: StoredEvent): boolean {
  if (Buffer.compare(stored, BSON.serialize(event)) === 0) return true;
  const own = BSON.serialize({ ...event, loggedAt: ANY_STAMP });
  const length = own.length - STAMP_BYTES - END_BYTES;
  return (
    stored.length === own.length && Buffer.compare(stored.subarray(0, length), own.subarray(0, length)) === 0
  );
}
