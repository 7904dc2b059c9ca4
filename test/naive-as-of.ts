import type { StoredEvent } from '../src/eventstore/event.ts';
import { fold, type Projection, type Row } from '../src/eventstore/projection.ts';
import type { Moment } from '../src/eventstore/time/as-of.ts';
import { eventDefinitions } from '../src/model.ts';

/** What the log says of an event's time, with nothing that was noted beside it. */
interface Effective {
  readonly event: StoredEvent;
  readonly at: number;
}

const SEEN = new Set(
  eventDefinitions.filter(({ effect }) => effect === 'observation').map(({ type }) => type),
);

/**
 * A row as it was, told the slow way, by the rule as the README has it and by occurredAt and recordedAt alone: all events
 * of the stream are looked at, those that are known and had taken effect are folded in the order of the stream. What the
 * product answers is held against this.
 * @param events all of the stream, in its order
 */
export function naiveRowAsOf<R extends Row>(
  events: readonly StoredEvent[],
  projection: Projection<R>,
  { asOf, knownAt }: Moment,
): R | null {
  const known = effective(events).filter(({ event }) => !knownAt || event.recordedAt <= knownAt);
  const [first, ...others] = known;
  if (first?.event.sequence !== 1) return null;
  const seen = others.filter(({ event }) => SEEN.has(event.type)).map(({ at }) => at);
  const begin = Math.min(first.event.occurredAt.getTime(), ...seen);
  if (asOf && asOf.getTime() < begin) return null;
  const counting = others.filter(({ at }) => !asOf || at <= asOf.getTime());
  const row = [first, ...counting].reduce<R | null>(
    (folded, { event }) => fold(projection, folded, event),
    null,
  );
  if (row === null || counting.length === others.length) return row;
  // Not all of it had taken effect: what happened last is what took effect last.
  const last =
    counting.toSorted((a, b) => a.at - b.at || a.event.sequence - b.event.sequence).at(-1) ?? first;
  const { sequence, recordedAt } = last.event;
  return { ...row, lastEvent: last.event, lastSequence: sequence, updatedAt: recordedAt };
}

/** When each event takes effect; the first one's is found later. */
export function effective(events: readonly StoredEvent[]): Effective[] {
  let decided = Number.NEGATIVE_INFINITY;
  return events.map((event) => {
    const at = event.occurredAt.getTime();
    if (event.sequence === 1 || SEEN.has(event.type)) return { event, at };
    decided = Math.max(decided, at);
    return { event, at: decided };
  });
}
