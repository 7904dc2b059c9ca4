import type { Aggregate, Command, StreamRef } from '../../eventstore/aggregate.ts';
import { handle } from '../../eventstore/command/handle.ts';
import { handleMany } from '../../eventstore/command/handle-many.ts';
import type { Intent } from '../../eventstore/command/intent.ts';
import { statesOf } from '../../eventstore/command/states.ts';
import type { Store } from '../../eventstore/command/store.ts';
import { aggregateIdFor, newId, uuid } from '../../eventstore/ids.ts';
import { proofKeysOf } from '../../eventstore/log/announced.ts';
import type { EventFilter } from '../../eventstore/log/event-filter.ts';
import { pageEvents } from '../../eventstore/log/pages.ts';
import type { LogPosition } from '../../eventstore/log/position.ts';
import { pageStream, readStream } from '../../eventstore/log/read.ts';
import { rowsOf } from '../../eventstore/projection/rows.ts';
import type { Projection, Row } from '../../eventstore/projection.ts';
import { proveEvent } from '../../eventstore/proof/prove.ts';
import { type Moment, rowAsOf } from '../../eventstore/time/as-of.ts';
import { pageInTime, type Stretch } from '../../eventstore/time/time-page.ts';
import type { TenantIntent, TenantStore } from '../../graphql/context.ts';
import type { Admission } from './guards.ts';

/** Where a request comes from: written into the metadata of every event that comes of it. */
export interface RequestTrace {
  readonly origin: string;
  /** One id for everything that comes of the request. */
  readonly correlationId: string;
  /** W3C trace id of the request, where it came with one. */
  readonly traceId?: string;
}

/**
 * Binds the event store to a tenant. Every read and write on behalf of a client goes through what this returns, and
 * nothing in it takes a tenant from its caller.
 * @param trace asked only for what is written: most requests only read
 * @param admission lets commands in, or throws OVERLOADED
 */
export function bindStore(
  store: Store,
  tenantId: string,
  trace: () => RequestTrace,
  admission: Admission,
): TenantStore {
  return new BoundStore(store, tenantId, trace, admission);
}

/** A class, not closures: there is one for each operation and each subscriber, and few of them use much of it. */
class BoundStore implements TenantStore {
  readonly #store: Store;
  readonly #tenantId: string;
  readonly #trace: () => RequestTrace;
  readonly #admission: Admission;

  constructor(store: Store, tenantId: string, trace: () => RequestTrace, admission: Admission) {
    this.#store = store;
    this.#tenantId = tenantId;
    this.#trace = trace;
    this.#admission = admission;
  }

  handle<S, C extends Command>(intent: TenantIntent<S, C>) {
    return this.#admission.commands(1, () => handle(this.#store, this.#bind(intent)));
  }

  handleMany<S, C extends Command>(intents: readonly TenantIntent<S, C>[]) {
    const trace = this.#trace();
    const bound = () => intents.map((intent) => this.#bind(intent, trace));
    return this.#admission.commands(intents.length, () => handleMany(this.#store, bound()));
  }

  states<S, C extends Command>(aggregate: Aggregate<S, C>, ids: readonly string[]) {
    return statesOf(this.#store, this.#tenantId, aggregate, ids);
  }

  rows<R extends Row>(projection: Projection<R>) {
    return rowsOf(this.#store, this.#tenantId, projection);
  }

  rowAsOf<S, C extends Command, R extends Row>(
    aggregate: Aggregate<S, C>,
    projection: Projection<R>,
    aggregateId: string,
    moment: Moment,
  ) {
    return rowAsOf(this.#store, this.#stream(aggregate.type, aggregateId), aggregate, projection, moment);
  }

  pageInTime<S, C extends Command>(
    aggregate: Aggregate<S, C>,
    aggregateId: string,
    stretch: Stretch,
    limit: number,
  ) {
    return pageInTime(this.#store, this.#stream(aggregate.type, aggregateId), aggregate, stretch, limit);
  }

  pageStream(
    aggregateType: string,
    aggregateId: string,
    page: { readonly after?: number; readonly limit: number },
  ) {
    return pageStream(this.#store, this.#stream(aggregateType, aggregateId), page);
  }

  readStream(aggregateType: string, aggregateId: string) {
    return readStream(this.#store, this.#stream(aggregateType, aggregateId));
  }

  pageEvents(filter: EventFilter, page: { readonly after?: LogPosition; readonly limit: number }) {
    return pageEvents(this.#store, this.#tenantId, filter, page);
  }

  async eventsByIds(ids: readonly string[]) {
    const found = await Promise.all(ids.map((id) => this.#store.pointReads.event(uuid(id))));
    return found.map((event) => (event?.tenantId === this.#tenantId ? event : null));
  }

  proof(eventId: string) {
    return proveEvent(this.#store, this.#tenantId, eventId);
  }

  async proofKeys() {
    const keys = await proofKeysOf(this.#store.db).find().sort({ since: -1 }).toArray();
    return keys.map(({ _id }) => _id);
  }

  newId(aggregateType: string, key?: string | null): string {
    return key === null || key === undefined ? newId() : aggregateIdFor(this.#tenantId, aggregateType, key);
  }

  /** Field by field, so that all have one shape: a batch has hundreds. */
  #bind<S, C extends Command>(intent: TenantIntent<S, C>, trace = this.#trace()): Intent<S, C> {
    return {
      tenantId: this.#tenantId,
      aggregate: intent.aggregate,
      id: intent.id,
      command: intent.command,
      key: intent.key,
      eventId: intent.eventId,
      input: intent.input,
      origin: trace.origin,
      traceId: trace.traceId,
      correlationId: trace.correlationId,
      creates: intent.creates,
    };
  }

  #stream(aggregateType: string, aggregateId: string): StreamRef {
    return { tenantId: this.#tenantId, aggregateType, aggregateId };
  }
}
