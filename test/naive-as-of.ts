import type { StoredEvent } from '../src/eventstore/event.ts';
import { fold, type Projection, type Row } from '../src/eventstore/projection.ts';
import type { Moment } from '../src/eventstore/time/as-of.ts';

/**
 * A row as it was, told the slow way: all events of the stream are looked at, those that count are put in the order of
 * time and folded. What the product answers is held against this.
 * @param founded true where the first event takes its place before all others that are known
 */
export function naiveRowAsOf<R extends Row>(
  events: readonly StoredEvent[],
  projection: Projection<R>,
  { asOf, knownAt }: Moment,
  founded = false,
): R | null {
  const known = events.filter(({ recordedAt }) => !knownAt || recordedAt <= knownAt);
  const first = Math.min(...known.map(({ occurredAt }) => occurredAt.getTime()));
  const placed = known.map((event) => ({
    event,
    at: founded && event.sequence === 1 ? first : event.occurredAt.getTime(),
  }));
  const counting = placed.filter(({ at }) => !asOf || at <= asOf.getTime());
  counting.sort((a, b) => a.at - b.at || a.event.sequence - b.event.sequence);
  return counting.reduce<R | null>((row, { event }) => fold(projection, row, event), null);
}
