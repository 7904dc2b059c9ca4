import { decodeCursor, encodeCursor } from '../connection.ts';
import type { Context } from '../context.ts';
import { invalidInput } from '../errors.ts';
import type { StoredEvent } from '../eventstore/event.ts';
import type { FixPayload } from './events.ts';
import { type Position, positionOf } from './projection.ts';
import { vehicle } from './vehicle.ts';

/** One fix of a track, and the event that recorded it. */
export interface Fix extends Position {
  readonly event: StoredEvent<'LocationTracked', FixPayload>;
}

/** Between which fixes to look: both moments are included, and so is nothing up to the cursor. */
export interface TrackRange {
  readonly from: Date;
  readonly to: Date;
  readonly after?: string | null | undefined;
}

/**
 * The fixes of a vehicle in a range, oldest first: by occurredAt, then in the order of recording.
 * Reads the whole stream of the vehicle: right for any order of arrival, and not yet served by an index of its own.
 * @returns at most `limit`
 * @throws INVALID_INPUT for a cursor of something else
 */
export async function trackOf(
  context: Context,
  vehicleId: string,
  range: TrackRange,
  limit: number,
): Promise<Fix[]> {
  const { from, to } = range;
  const after = placeIn(range.after);
  const events: Fix['event'][] = [];
  for await (const event of context.store.readStream(vehicle.type, vehicleId)) {
    if (!isFix(event) || event.occurredAt < from || event.occurredAt > to) continue;
    if (after === undefined || order(placeOf(event), after) > 0) events.push(event);
  }
  events.sort((a, b) => order(placeOf(a), placeOf(b)));
  return events.slice(0, limit).map((event) => ({ ...positionOf(event), event }));
}

/** The cursor of a fix: its place on the track. */
export function fixCursor({ event }: Fix): string {
  return encodeCursor([event.occurredAt, event.sequence]);
}

interface Place {
  readonly at: number;
  readonly sequence: number;
}

function placeIn(cursor: string | null | undefined): Place | undefined {
  if (cursor === null || cursor === undefined) return undefined;
  const [at, sequence] = decodeCursor(cursor, 2, 'after');
  if (at instanceof Date && typeof sequence === 'number') return { at: at.getTime(), sequence };
  throw invalidInput('after is no cursor of this list.', 'after');
}

function placeOf({ occurredAt, sequence }: StoredEvent): Place {
  return { at: occurredAt.getTime(), sequence };
}

function order(a: Place, b: Place): number {
  return a.at - b.at || a.sequence - b.sequence;
}

function isFix(event: StoredEvent): event is Fix['event'] {
  return event.type === 'LocationTracked';
}
