import { UUID } from 'mongodb';
import type { StoredEvent } from '../event.ts';

/** What an auditor may ask for; every given field must fit. */
export interface EventFilter {
  readonly aggregateType?: readonly string[];
  readonly aggregateId?: readonly string[];
  readonly type?: readonly string[];
  readonly actorId?: readonly string[];
  readonly role?: readonly string[];
  readonly reasonCode?: readonly string[];
  readonly occurredFrom?: Date;
  readonly occurredTo?: Date;
  readonly recordedFrom?: Date;
  readonly recordedTo?: Date;
}

/** The filter in MongoDB's query language. */
export function conditionsOf(filter: EventFilter): object[] {
  const conditions: object[] = [];
  const among = (field: string, values: readonly unknown[] | undefined): void => {
    if (values !== undefined) conditions.push({ [field]: { $in: [...values] } });
  };
  among('aggregateType', filter.aggregateType);
  among(
    'aggregateId',
    filter.aggregateId?.map((id) => new UUID(id)),
  );
  among('type', filter.type);
  among('actor.id', filter.actorId);
  among('actor.role', filter.role);
  among('reasonCode', filter.reasonCode);
  conditions.push(...between('occurredAt', filter.occurredFrom, filter.occurredTo));
  conditions.push(...between('recordedAt', filter.recordedFrom, filter.recordedTo));
  return conditions;
}

/** Bounds of a moment, both inclusive. */
export function between(field: string, from: Date | undefined, to: Date | undefined): object[] {
  return [
    ...(from === undefined ? [] : [{ [field]: { $gte: from } }]),
    ...(to === undefined ? [] : [{ [field]: { $lte: to } }]),
  ];
}

/** The same filter in memory, for subscriptions to the log. */
export function matchesEvent(filter: EventFilter, event: StoredEvent): boolean {
  const among = (values: readonly string[] | undefined, value: string | undefined): boolean =>
    values === undefined || (value !== undefined && values.includes(value));
  const isBetween = (from: Date | undefined, to: Date | undefined, at: Date): boolean =>
    (from === undefined || at >= from) && (to === undefined || at <= to);
  return (
    among(filter.aggregateType, event.aggregateType) &&
    among(filter.aggregateId, event.aggregateId.toString()) &&
    among(filter.type, event.type) &&
    among(filter.actorId, event.actor.id) &&
    among(filter.role, event.actor.role) &&
    among(filter.reasonCode, event.reasonCode) &&
    isBetween(filter.occurredFrom, filter.occurredTo, event.occurredAt) &&
    isBetween(filter.recordedFrom, filter.recordedTo, event.recordedAt)
  );
}
