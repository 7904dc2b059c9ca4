import type { EventDefinition, StoredEvent } from './event.ts';
import { NewerVersion } from './newer.ts';

/** What every row of every read model carries: the fold of exactly one stream. */
export interface Row {
  /** `tenantId/id`: unique across tenants, and groups a tenant's rows on a sharded cluster. */
  readonly _id: string;
  readonly tenantId: string;
  /** The aggregate's id, a UUID in text form. */
  readonly id: string;
  /** The sequence of the last event folded in; the row takes `lastSequence + 1` only. */
  readonly lastSequence: number;
  /** As it is stored, in the version it was written in. */
  readonly lastEvent: StoredEvent;
  /** recordedAt of the first and of the last event. */
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A row as a context's `evolve` makes it: the fold adds what every row carries. */
export type Body<R extends Row> = Omit<R, keyof Row>;

/** An index of a read model, and the query it serves. */
export interface IndexSpec {
  readonly keys: Readonly<Record<string, 1 | -1 | '2dsphere'>>;
  readonly unique?: boolean;
  readonly partialFilterExpression?: Readonly<Record<string, unknown>>;
  readonly serves: string;
}

/** A read model: a pure fold of one stream into one row (design section 6). */
export interface Projection<R extends Row = Row> {
  /** The collection: `tenders_read`, `fleet_status` … */
  readonly name: string;
  /** Raised whenever `evolve` gives other rows than before. */
  readonly version: number;
  readonly aggregateType: string;
  /** inline: written in the append's transaction. async: written by the projector, from the change stream. */
  readonly mode: 'inline' | 'async';
  readonly indexes: readonly IndexSpec[];
  /** The row's own fields after `event`, which is of a type and version that this code knows. */
  evolve(row: R | null, event: StoredEvent): Body<R> | null;
}

/** A row's `_id`. */
export function rowId(tenantId: string, id: string): string {
  return `${tenantId}/${id}`;
}

/**
 * Folds one event into a row. The caller has made sure that `event.sequence` is the row's next.
 * @returns the new row, or null while the stream has none.
 */
export function fold<R extends Row>(projection: Projection<R>, row: R | null, event: StoredEvent): R | null {
  const body = projection.evolve(row, event);
  if (body === null) return null;
  return {
    ...body,
    ...(row === null ? identityOf(event) : { _id: row._id, tenantId: row.tenantId, id: row.id }),
    lastSequence: event.sequence,
    lastEvent: withoutStamp(asStored(event)),
    createdAt: row?.createdAt ?? event.recordedAt,
    updatedAt: event.recordedAt,
  } as R;
}

function identityOf({ tenantId, aggregateId }: StoredEvent): Pick<Row, '_id' | 'tenantId' | 'id'> {
  const id = aggregateId.toString();
  return { _id: rowId(tenantId, id), tenantId, id };
}

/**
 * An event that was brought up to date, with the one that is stored. That is kept in a private field, which copies do
 * not have: something may be withheld from a copy. (A property that is not enumerable costs ten times as much: 1.5 µs.)
 */
class Upcast {
  readonly #stored: StoredEvent;
  constructor(stored: StoredEvent) {
    this.#stored = stored;
  }
  static storedOf(event: StoredEvent): StoredEvent {
    return #stored in event ? event.#stored : event;
  }
}

/** Brings an event to the newest version of its type, as every fold, and whoever looks into payloads, needs it. */
export type Upcaster = (event: StoredEvent) => StoredEvent;

/**
 * Chains the upcasters of event types.
 * @param definitions the newest version of each type; the earlier ones come with it
 * @returns a function that gives the very same event back where it is of the newest version, and else a copy with the
 *   payload and the version of the newest.
 *   It throws NewerVersion for an event of a type or version that this code does not know: a newer Waybill wrote it, and
 *   what it means nobody can tell here. And it throws what an upcaster throws.
 */
export function openUpcaster(definitions: readonly EventDefinition[]): Upcaster {
  const known = new Map(definitions.map((definition) => [definition.type, definition]));
  return (event) => {
    const definition = known.get(event.type);
    if (definition === undefined || event.version > definition.version) throw newerEvent(event);
    if (definition.version === event.version) return event;
    const payload = payloadAs(definition, event);
    return Object.assign(new Upcast(event), event, { version: definition.version, payload });
  };
}

/** The event as the log has it: what rows keep and clients are shown, with its own version beside its payload. */
export function asStored(event: StoredEvent): StoredEvent {
  return Upcast.storedOf(event);
}

/**
 * An event as its row keeps it: written with the row it has no stamp yet, so a row that is folded from the log must not have
 * it either. The stamp is taken off the event itself, which costs a tenth of a copy without it; no fold needs it.
 */
export function withoutStamp(event: StoredEvent): StoredEvent {
  const stamped: { loggedAt?: unknown } = event;
  if (stamped.loggedAt !== undefined) delete stamped.loggedAt;
  return event;
}

function newerEvent({ _id, type, version }: StoredEvent): NewerVersion {
  const what = `${type} v${version}`;
  return new NewerVersion(
    'event',
    what,
    `Event ${_id} is ${what}, which this Waybill does not know; a newer one wrote it.`,
  );
}

/** The chain, oldest step first. */
function payloadAs(definition: EventDefinition, event: StoredEvent): unknown {
  if (definition.version === event.version) return event.payload;
  const { previous } = definition;
  if (previous === undefined || definition.upcast === undefined)
    throw new Error(`Event ${event._id} is ${event.type} v${event.version}, which there never was.`);
  return definition.upcast(payloadAs(previous, event));
}
