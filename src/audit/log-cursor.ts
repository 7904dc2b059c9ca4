import type { StoredEvent } from '../eventstore/event.ts';
import { uuid } from '../eventstore/ids.ts';
import type { LogPosition } from '../eventstore/log/position.ts';
import { positionOf } from '../eventstore/log/position-text.ts';
import { invalidInput } from '../graphql/errors.ts';
import { toUuid } from '../graphql/global-id.ts';
import { decodeCursor } from '../graphql/paging.ts';

/**
 * The position in the log that a cursor of `events` tells. One from before events were stamped has recordedAt and id of an
 * event.
 * @param find the event of such a cursor
 * @throws INVALID_INPUT for what is no cursor of the log
 */
export async function positionAfter(
  cursor: string,
  find: (eventId: string) => Promise<StoredEvent | null>,
): Promise<LogPosition> {
  const position = positionOf(cursor) ?? (await olderPosition(cursor, find));
  if (position === undefined) throw invalidInput('after is no cursor of this list.', 'after');
  return position;
}

/** Where its event has a stamp by now, it is the place of that; otherwise it lies among those without. */
async function olderPosition(
  cursor: string,
  find: (eventId: string) => Promise<StoredEvent | null>,
): Promise<LogPosition | undefined> {
  const [recordedAt, key] = decodeCursor(cursor, 2, 'after');
  const id = typeof key === 'string' ? toUuid('Event', key) : undefined;
  if (!(recordedAt instanceof Date) || id === undefined) return undefined;
  const unstamped = { recordedAt, id: uuid(id) };
  const loggedAt = (await find(id))?.loggedAt;
  if (loggedAt === undefined) return { unstamped, ahead: [] };
  return { unstamped, settled: { loggedAt, ...unstamped }, ahead: [] };
}
