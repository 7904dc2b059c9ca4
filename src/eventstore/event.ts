/**
 * The words of the event store, in which all of it is written; none of these files knows a folder of the machine.
 *
 * - A fact: event.ts (how it is defined and stored), registry.ts (all types), payload.ts,
 *   json-schema.ts, ids.ts, time-order.ts (the order of time within a stream).
 * - What is made of facts: aggregate.ts (state and decisions of a stream), projection.ts (rows, and events of older versions), fold.ts
 *   (both of a stream, kept in memory), newer.ts (what only a newer version understands), interest.ts (who wants to hear of a row).
 * - MongoDB: changes.ts and change.ts (change streams), transact.ts, faults.ts, backoff.ts (try again), lease.ts (one
 *   process at a time), clock.ts (the database's), timeline.ts and
 *   database-identity.ts (whether the log is still the one that it was), pace.ts, indexes.ts, admin-actions.ts,
 *   store-observer.ts.
 *
 * The folders stand on each other: log, time, projection, command, and on these feed, rebuild, verify, proof and archive;
 * recovery, on rebuild and verify, has rows right again after a restore.
 * open-store.ts puts them together; each takes the smallest layer that it needs: Log, TimedLog, ReadModels, Store.
 */
import type { Timestamp, UUID } from 'mongodb';
import type { z } from 'zod';

/** Who may act, as recorded on every event. */
export const ROLES = [
  'dispatcher',
  'carrier',
  'driver',
  'rider',
  'showroom',
  'battery_op',
  'admin',
  'system',
] as const;
export type Role = (typeof ROLES)[number];

/** Who did it. */
export interface Actor {
  readonly id: string;
  readonly role: Role;
}

/** Where an event came from and what caused it (D-11). */
export interface Metadata {
  /** The channel: `graphql`, `timer`, `import` … */
  readonly origin: string;
  /** The process that wrote it. */
  readonly producerId: string;
  /** W3C trace id of the request, where it had one. */
  readonly traceId?: string;
  /** One id for everything that came of one request. */
  readonly correlationId: string;
  /** The event that caused this one, where one did. */
  readonly causationId?: string;
  /** Digest of the command and its caller: tells a retry from another use of the same key. */
  readonly commandHash: string;
  /**
   * Digest of which fields of the command were null, '' for none: with null instead of nothing, it is another use of the key.
   * Absent where the fact names itself, and on events from before there was this field.
   */
  readonly commandNulls?: string;
  /** How many events the command recorded, over all its streams, where it is more than one; on each of them. */
  readonly commandSize?: number;
  /**
   * On an event that came late: it takes effect before something earlier in its stream does, and its occurredAt lies
   * less than this many ms before that (`time-order.ts`). Absent where it came in order.
   */
  readonly lateWithinMs?: number;
  /**
   * When a decision takes effect (`time-order.ts`), on one that occurred before something earlier in its stream took
   * effect. Absent: at occurredAt.
   */
  readonly effectiveAt?: Date;
}

/** One immutable document of the collection `events` (design section 5). */
export interface StoredEvent<T extends string = string, P = unknown> {
  readonly _id: UUID;
  readonly tenantId: string;
  readonly aggregateType: string;
  readonly aggregateId: UUID;
  /** 1, 2, 3 … per stream, no holes. */
  readonly sequence: number;
  readonly type: T;
  /** Version of the payload's schema, from 1. */
  readonly version: number;
  readonly payload: P;
  readonly reasonCode?: string;
  readonly actor: Actor;
  /** When it happened, by whoever saw it. */
  readonly occurredAt: Date;
  /** When the log took it, by the server. */
  readonly recordedAt: Date;
  readonly metadata: Metadata;
  /**
   * When the database took it, by the cluster's clock: pages of the log go by it. Events from before there were stamps
   * have none, and one that is on its way into the log has none yet. It says nothing of what happened; rows and files have it not.
   */
  readonly loggedAt?: Timestamp;
}

/** A fact as `decide` returns it: it gets its id, place and recorder when it is appended. */
export interface NewEvent<T extends string = string, P = unknown> {
  readonly type: T;
  readonly payload: P;
  readonly reasonCode?: string;
}

/**
 * When events of a type take effect. An observation (a fix, an arrival) does at its occurredAt, and folds to the same in
 * any order beside the others. A decision (an offer, an acceptance) does at its occurredAt, but never before the
 * decisions that stand earlier in its stream: they were made upon each other. The first event of a stream, whatever its
 * type, takes effect with the earliest observation of it at the latest: what is registered today was there before.
 */
export type Effect = 'observation' | 'decision';

/** One event type in one version: the single source of its TypeScript type, its checks and its JSON Schema. */
export interface EventDefinition<T extends string = string, P = unknown> {
  readonly type: T;
  readonly version: number;
  readonly aggregateType: string;
  /** What happened, for the reader of the schema. */
  readonly doc: string;
  readonly payload: z.ZodType<P>;
  /** Whether it tells what somebody saw, or what somebody decided: that says when it takes effect. */
  readonly effect: Effect;
  /**
   * True for an observation that the next one of its kind replaces, as a fix does: of those that count, only the ones of
   * the newest occurredAt make a difference to a row. A stream may have any number of them; to tell how it was, one is read.
   */
  readonly onlyNewestCounts?: boolean;
  /** The closed list of reasons, where the type has one. */
  readonly reasonCodes?: readonly string[];
  /** Where in the payload people stand: dotted paths of objects with a `subject` and sealed texts (`payload.ts`). */
  readonly personal?: readonly string[];
  /** The version before this one, which the log may hold for ever; the first has none. */
  readonly previous?: EventDefinition<T>;
  /** Makes this version's payload of the previous one's; pure, and never changed once events were read with it. */
  upcast?(payload: unknown): P;
}

/** Declares an event type; infers the payload's type from its schema. */
export function defineEvent<T extends string, P>(definition: EventDefinition<T, P>): EventDefinition<T, P> {
  return definition;
}

/** What a new version of an event type says of itself; what it leaves out is as it was. */
export interface NextVersion<Q, P> {
  readonly doc?: string;
  readonly payload: z.ZodType<P>;
  readonly reasonCodes?: readonly string[];
  upcast(payload: Q): P;
}

/**
 * Declares the version after `previous`. Only the newest one is listed with a context's events: it brings the earlier
 * ones with it, and is the one that is written and that `evolve` sees.
 */
export function defineNextVersion<T extends string, Q, P>(
  previous: EventDefinition<T, Q>,
  next: NextVersion<Q, P>,
): EventDefinition<T, P> {
  return { ...previous, ...next, version: previous.version + 1, previous };
}

/** The stored form of a union of definitions: `Recorded<(typeof tenderEvents)[number]>`. */
export type Recorded<D> = D extends EventDefinition<infer T, infer P> ? StoredEvent<T, P> : never;

/** The decided form of a union of definitions. */
export type Fact<D> = D extends EventDefinition<infer T, infer P> ? NewEvent<T, P> : never;
