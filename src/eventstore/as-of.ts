import type { StoredEvent } from './event.ts';
import { fold, type Projection, type Row } from './projection.ts';

/** The two times of a question about the past (design section 8); an absent one is now. */
export interface Moment {
  /** When it was so: events with a later occurredAt had not happened yet. */
  readonly asOf?: Date | null | undefined;
  /** When it was known: events with a later recordedAt had not been told yet. */
  readonly knownAt?: Date | null | undefined;
}

/**
 * A row as it was at `asOf`, as far as was known at `knownAt`: the events that count, in the order in which they
 * happened (occurredAt, then sequence), folded by the projection itself. Events that were told late thus take
 * their true place, and `lastEvent` is the last that had happened.
 * @param events one stream, in any order
 * @returns null when nothing had happened yet, or nothing was known
 */
export async function rowAsOf<R extends Row>(
  events: AsyncIterable<StoredEvent> | Iterable<StoredEvent>,
  projection: Projection<R>,
  { asOf, knownAt }: Moment,
): Promise<R | null> {
  const counting: StoredEvent[] = [];
  for await (const event of events) {
    if (isBy(event.occurredAt, asOf) && isBy(event.recordedAt, knownAt)) counting.push(event);
  }
  counting.sort((a, b) => a.occurredAt.getTime() - b.occurredAt.getTime() || a.sequence - b.sequence);
  let row: R | null = null;
  for (const event of counting) row = fold(projection, row, event);
  return row;
}

/** True when a question is about the past at all. */
export function isPast({ asOf, knownAt }: Moment): boolean {
  return asOf instanceof Date || knownAt instanceof Date;
}

function isBy(moment: Date, limit: Date | null | undefined): boolean {
  return !(limit instanceof Date) || moment.getTime() <= limit.getTime();
}
