import type { TenantIntent, TenantStore } from './context.ts';
import type { Command } from './eventstore/aggregate.ts';
import { rowAsOf } from './eventstore/as-of.ts';
import { handle } from './eventstore/handle.ts';
import { handleMany } from './eventstore/handle-many.ts';
import { aggregateIdFor, newId } from './eventstore/ids.ts';
import type { Intent } from './eventstore/intent.ts';
import { pageEvents, pageStream, readStream } from './eventstore/read.ts';
import { rowsOf } from './eventstore/rows.ts';
import { statesOf } from './eventstore/states.ts';
import type { Store } from './eventstore/store.ts';
import { pageInTime } from './eventstore/time-page.ts';
import { uuid } from './eventstore/uuid.ts';

/** Where a request comes from: written into the metadata of every event it leads to. */
export interface Origin {
  readonly origin: string;
  /** One id for everything that comes of the request. */
  readonly correlationId: string;
  /** W3C trace id of the request, where it came with one. */
  readonly traceId?: string;
}

/**
 * Binds the event store to a tenant. Every read and write on behalf of a client goes through what this returns, and
 * nothing in it takes a tenant from its caller.
 * @param origin asked only for what is written: most requests only read
 */
export function bindStore(store: Store, tenantId: string, origin: () => Origin): TenantStore {
  const bound = <S, C extends Command>(intent: TenantIntent<S, C>): Intent<S, C> => ({
    ...intent,
    ...origin(),
    tenantId,
  });
  return {
    handle: (intent) => handle(store, bound(intent)),
    handleMany: (intents) => handleMany(store, intents.map(bound)),
    states: (aggregate, ids) => statesOf(store, tenantId, aggregate, ids),
    rows: (projection) => rowsOf(store, tenantId, projection),
    rowAsOf: (aggregate, projection, aggregateId, moment) =>
      rowAsOf(store, { tenantId, aggregateType: aggregate.type, aggregateId }, aggregate, projection, moment),
    pageInTime: (aggregate, aggregateId, stretch, limit) =>
      pageInTime(store, { tenantId, aggregateType: aggregate.type, aggregateId }, aggregate, stretch, limit),
    pageStream: (aggregateType, aggregateId, page) =>
      pageStream(store, { tenantId, aggregateType, aggregateId }, page),
    readStream: (aggregateType, aggregateId) => readStream(store, { tenantId, aggregateType, aggregateId }),
    pageEvents: (filter, page) => pageEvents(store, tenantId, filter, page),
    eventsByIds: async (ids) => {
      const found = await Promise.all(ids.map((id) => store.pointReads.event(uuid(id))));
      return found.map((event) => (event?.tenantId === tenantId ? event : null));
    },
    newId: (aggregateType, key) =>
      key === null || key === undefined ? newId() : aggregateIdFor(tenantId, aggregateType, key),
  };
}
