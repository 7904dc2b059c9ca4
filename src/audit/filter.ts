import type { StoredEvent } from '../eventstore/event.ts';
import type { Interest, ValueFacet } from '../eventstore/interest.ts';
import type { EventFilter } from '../eventstore/log/event-filter.ts';
import { invalidInput } from '../graphql/errors.ts';
import { toUuidOfAny } from '../graphql/global-id.ts';

/** The filter as a client puts it. */
export interface EventFilterInput {
  readonly aggregateId?: readonly string[] | null | undefined;
  readonly aggregateType?: readonly string[] | null | undefined;
  readonly type?: readonly string[] | null | undefined;
  readonly actorId?: readonly string[] | null | undefined;
  readonly role?: readonly string[] | null | undefined;
  readonly reasonCode?: readonly string[] | null | undefined;
  readonly occurredFrom?: Date | null | undefined;
  readonly occurredTo?: Date | null | undefined;
  readonly recordedFrom?: Date | null | undefined;
  readonly recordedTo?: Date | null | undefined;
}

/** The filter as the log reads it: null means the same as absent. @throws INVALID_INPUT for an aggregateId that is no id */
export function eventFilterOf(input: EventFilterInput | null | undefined): EventFilter {
  const given = Object.entries(input ?? {}).filter(([, value]) => value !== null && value !== undefined);
  const filter: EventFilter = Object.fromEntries(given);
  return filter.aggregateId === undefined
    ? filter
    : { ...filter, aggregateId: filter.aggregateId.map(aggregateUuid) };
}

const byAggregate: ValueFacet<StoredEvent> = { valuesOf: ({ aggregateId }) => [aggregateId.toString()] };
const byActor: ValueFacet<StoredEvent> = { valuesOf: ({ actor }) => [actor.id] };
const byReason: ValueFacet<StoredEvent> = { valuesOf: ({ reasonCode }) => [reasonCode] };
const byType: ValueFacet<StoredEvent> = { valuesOf: ({ type }) => [type] };
const byKind: ValueFacet<StoredEvent> = { valuesOf: ({ aggregateType }) => [aggregateType] };
const byRole: ValueFacet<StoredEvent> = { valuesOf: ({ actor }) => [actor.role] };

/** The condition of a filter that lets the least through; undefined: all events may be wanted. */
export function interestIn(filter: EventFilter): Interest<StoredEvent> | undefined {
  const { aggregateId, actorId, reasonCode, type, aggregateType, role } = filter;
  if (aggregateId) return { facet: byAggregate, values: aggregateId };
  if (actorId) return { facet: byActor, values: actorId };
  if (reasonCode) return { facet: byReason, values: reasonCode };
  if (type) return { facet: byType, values: type };
  if (aggregateType) return { facet: byKind, values: aggregateType };
  return role ? { facet: byRole, values: role } : undefined;
}

function aggregateUuid(text: string): string {
  const uuid = toUuidOfAny(text);
  if (uuid === undefined)
    throw invalidInput(`${text.slice(0, 80)} is the id of nothing.`, 'filter.aggregateId');
  return uuid;
}
