import type { StoredEvent } from '../eventstore/event.ts';
import { asStored } from '../eventstore/projection.ts';
import type { TimePlace } from '../eventstore/time/time-page.ts';
import type { Context } from '../graphql/context.ts';
import { invalidInput } from '../graphql/errors.ts';
import { decodeCursor, encodeCursor } from '../graphql/paging.ts';
import type { FixPayload } from './events.ts';
import { type Position, positionOf } from './projection.ts';
import { vehicle } from './vehicle.ts';

/** One fix of a track, and the event that recorded it. */
export interface Fix extends Position {
  readonly event: StoredEvent;
}

/** Which fixes to read: those from `from` to `to`, both included, and of these the ones after the cursor `after`. */
export interface TrackRange {
  readonly from: Date;
  readonly to: Date;
  readonly after?: string | null | undefined;
}

/**
 * The fixes of a vehicle in a range, oldest first: by occurredAt, then in the order of recording.
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
  const stretch = { type: 'LocationTracked', from, to, after: placeIn(range.after) };
  const events = await context.store.pageInTime(vehicle, vehicleId, stretch, limit);
  return events.filter(isFix).map((event) => ({ ...positionOf(event), event: asStored(event) }));
}

/** The cursor of a fix: its place on the track. */
export function fixCursor({ event }: Fix): string {
  return encodeCursor([event.occurredAt, event.sequence]);
}

function placeIn(cursor: string | null | undefined): TimePlace | undefined {
  if (cursor === null || cursor === undefined) return undefined;
  const [occurredAt, sequence] = decodeCursor(cursor, 2, 'after');
  if (occurredAt instanceof Date && typeof sequence === 'number') return { occurredAt, sequence };
  throw invalidInput('after is no cursor of this list.', 'after');
}

function isFix(event: StoredEvent): event is StoredEvent<'LocationTracked', FixPayload> {
  return event.type === 'LocationTracked';
}
