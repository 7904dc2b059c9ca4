import { Timestamp } from 'mongodb';
import type { StoredEvent } from '../event.ts';

/**
 * MongoDB puts the present moment of the cluster's clock in its place, whenever the insert gets there: a process that
 * was paused, or whose packet was under way for minutes, cannot insert with a stamp of the past.
 */
const BY_THE_DATABASE = new Timestamp(0n);

/** Events on their way into the log, to be stamped by the database as it takes them. */
export function toBeStamped(events: readonly StoredEvent[]): StoredEvent[] {
  return events.map((event) => ({ ...event, loggedAt: BY_THE_DATABASE }));
}

/**
 * The stamp of an event that was recorded elsewhere, and is imported: when it was recorded, or by the database where that
 * is yet to come. So it stands in the log among what was recorded then, and a page over a time finds it there.
 * @param now in ms since 1970
 */
export function stampOfRecorded({ recordedAt }: Pick<StoredEvent, 'recordedAt'>, now: number): Timestamp {
  const ms = Math.max(0, recordedAt.getTime());
  if (ms > now) return BY_THE_DATABASE;
  // Never (0, 0), which the database would replace.
  return new Timestamp({ t: Math.floor(ms / 1_000), i: (ms % 1_000) + 1 });
}

/** The stamp that everything at `date` or later has, by a clock that is right to the second. */
export function stampAt(date: Date): Timestamp {
  return new Timestamp({ t: Math.min(0xffff_ffff, Math.max(0, Math.floor(date.getTime() / 1_000))), i: 0 });
}
