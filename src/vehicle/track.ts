import type { StoredEvent } from '../eventstore/event.ts';
import { asStored } from '../eventstore/projection.ts';
import type { TimePlace } from '../eventstore/time/time-page.ts';
import type { Context } from '../graphql/context.ts';
import { invalidInput } from '../graphql/errors.ts';
import { decodeCursor, encodeCursor } from '../graphql/paging.ts';
import type { VehicleEvent } from './events.ts';
import { correctedPosition, type Position, positionOf } from './projection.ts';
import { vehicle } from './vehicle.ts';

/** One fix of a track as it holds, the event that recorded it, and the one that corrected it last. */
export interface Fix extends Position {
  readonly event: StoredEvent;
  readonly correctedBy: StoredEvent | null;
}

/** Which fixes to read: those from `from` to `to`, both included, and of these the ones after the cursor `after`. */
export interface TrackRange {
  readonly from: Date;
  readonly to: Date;
  readonly after?: string | null | undefined;
}

/** What tells of the way of a vehicle. */
const TYPES = ['LocationTracked', 'LocationCorrected'];

/** Events that are read beyond the fixes: a correction or two need no further read. */
const SOME_MORE = 10;

/**
 * The fixes of a vehicle in a range as they hold, oldest first: by occurredAt, then in the order of recording. A correction
 * has the occurredAt of its fix and stands behind it in the stream, so it is read on until a later fix shows that all are there.
 * @returns at most `limit`; of the last one a correction may be missing where there are more
 * @throws INVALID_INPUT for a cursor of something else
 */
export async function trackOf(
  context: Context,
  vehicleId: string,
  range: TrackRange,
  limit: number,
): Promise<Fix[]> {
  const { from, to } = range;
  const fixes = new Map<string, Fix>();
  for (let after = placeIn(range.after); ; ) {
    const size = limit + SOME_MORE;
    const events = await context.store.pageInTime(
      vehicle,
      vehicleId,
      { types: TYPES, from, to, after },
      size,
    );
    for (const event of events as readonly VehicleEvent[]) note(fixes, event);
    const last = events.at(-1);
    if (last === undefined || events.length < size || isComplete([...fixes.values()], limit, last)) break;
    after = { occurredAt: last.occurredAt, sequence: last.sequence };
  }
  return [...fixes.values()].slice(0, limit);
}

function note(fixes: Map<string, Fix>, event: VehicleEvent): void {
  if (event.type === 'LocationTracked')
    fixes.set(event._id.toString(), { ...positionOf(event), event: asStored(event), correctedBy: null });
  if (event.type !== 'LocationCorrected') return;
  // That of a fix of the same moment before the page is none of it.
  const fix = fixes.get(event.payload.fixId);
  if (fix === undefined) return;
  fixes.set(event.payload.fixId, {
    ...correctedPosition(event),
    event: fix.event,
    correctedBy: asStored(event),
  });
}

/** True where nothing behind `last` can be a correction of the fixes that are shown: all but the one behind them. */
function isComplete(fixes: readonly Fix[], limit: number, last: StoredEvent): boolean {
  const shown = fixes[Math.max(0, limit - 2)];
  return fixes.length >= limit && shown !== undefined && last.occurredAt > shown.occurredAt;
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
