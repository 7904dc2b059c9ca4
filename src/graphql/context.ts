import type { Access } from '../access/access.ts';
import type { Aggregate, Caller, Command } from '../eventstore/aggregate.ts';
import type { Outcome } from '../eventstore/command/intent.ts';
import type { Role, StoredEvent } from '../eventstore/event.ts';
import type { FrameChange, LogChange, OrderedChange } from '../eventstore/feed/item.ts';
import type { Subscription } from '../eventstore/feed/subscription.ts';
import type { Interest } from '../eventstore/interest.ts';
import type { EventFilter } from '../eventstore/log/event-filter.ts';
import type { LogPage, LogPosition } from '../eventstore/log/position.ts';
import type { RowFilter, TenantRows } from '../eventstore/projection/rows.ts';
import type { ProjectionStatus } from '../eventstore/projection/status.ts';
import type { Projection, Row } from '../eventstore/projection.ts';
import type { EventProof } from '../eventstore/proof/prove.ts';
import type { Moment } from '../eventstore/time/as-of.ts';
import type { Stretch } from '../eventstore/time/time-page.ts';
import type { PersonPlace, Revealed, SealedPerson, Texts } from '../personal/personal.ts';
import { type Refusal, refusal } from '../refusal.ts';
import { unauthenticated } from './errors.ts';
import type { Pace } from './pace.ts';
import type { TenantAdmin } from './tenant-admin.ts';

/** What every resolver is given. Made once per request, and once per operation on a socket. */
export interface Context {
  /** Who is calling; null where nobody proved it. */
  readonly access: Access | null;
  /** The event store as the caller's tenant sees it; using it without access throws UNAUTHENTICATED. */
  readonly store: TenantStore;
  /** The live changes of the caller's tenant. */
  readonly feed: TenantFeed;
  /** Protected actions and the admin log of the caller's tenant. */
  readonly admin: TenantAdmin;
  /** What is personal of the caller's tenant, sealed and shown. */
  readonly personal: TenantPersonal;
  /** How far behind the log each read model is. */
  readonly projections: () => Promise<readonly ProjectionStatus[]>;
  /** The server's clock. */
  readonly now: () => Date;
  /** True where the client of the operation has left, and nobody waits for the answer; absent where that is not known. */
  readonly hasLeft?: (() => boolean) | undefined;
  /** How a dear operation works; absent for any other. Put in when its turn has come. */
  pace?: Pace | undefined;
  /** This context for a group of callers who may see the same: asking it who exactly is calling throws. */
  readonly forGroup: () => Context;
}

/** Personal data bound to the caller's tenant (`personal/personal.ts`). */
export interface TenantPersonal {
  /** @returns null where that person was erased */
  seal(name: string, place: PersonPlace, texts: Texts): Promise<SealedPerson | null>;
  reveal(place: PersonPlace, person: Pick<SealedPerson, 'subject' | 'texts'>): Promise<Revealed>;
  /** Whom a text was recorded of: subjects as payloads name them. */
  find(field: string, text: string): Promise<readonly string[]>;
}

/** A command of the caller's: the tenant, the channel and the trace are put in by the context. */
export interface TenantIntent<S, C extends Command> {
  readonly aggregate: Aggregate<S, C>;
  /** The aggregate's id, a UUID in text form. */
  readonly id: string;
  readonly command: C;
  /** The client's idempotencyKey; without one the command is an intent of its own. */
  readonly key?: string;
  /** The id of the command's first event, where it is determined by other means than a key. */
  readonly eventId?: StoredEvent['_id'];
  /** What was asked, as the client put it: a repeat with the same key must ask the same. */
  readonly input: unknown;
  /** True for a command that begins its stream, which then need not be read first. */
  readonly creates?: boolean;
}

/**
 * The event store bound to the caller's tenant. The folders of the business have no other way to it, so this is the
 * one place that keeps tenants apart.
 */
export interface TenantStore {
  handle<S, C extends Command>(intent: TenantIntent<S, C>): Promise<Outcome>;
  /** Many commands at once, each answered on its own, in their order. */
  handleMany<S, C extends Command>(intents: readonly TenantIntent<S, C>[]): Promise<Outcome[]>;
  /**
   * The states of streams of one kind, in the order of `ids`, possibly from memory and behind the log: only for
   * what never changes once it is set. Null for one that only a newer version understands.
   */
  states<S, C extends Command>(aggregate: Aggregate<S, C>, ids: readonly string[]): Promise<(S | null)[]>;
  /** A read model. */
  rows<R extends Row>(projection: Projection<R>): TenantRows<R>;
  /** A row as it was at a moment, as far as was known at another; null where there was none. */
  rowAsOf<S, C extends Command, R extends Row>(
    aggregate: Aggregate<S, C>,
    projection: Projection<R>,
    aggregateId: string,
    moment: Moment,
  ): Promise<R | null>;
  /** Observations of some types of a stream between two moments, in the order of time and in its newest version. */
  pageInTime<S, C extends Command>(
    aggregate: Aggregate<S, C>,
    aggregateId: string,
    stretch: Stretch,
    limit: number,
  ): Promise<StoredEvent[]>;
  /** Up to `limit` events of one stream after a sequence, in order, as they are stored. */
  pageStream(
    aggregateType: string,
    aggregateId: string,
    page: { readonly after?: number; readonly limit: number },
  ): Promise<StoredEvent[]>;
  /** The events of one stream in order, each in the newest version of its type: to be folded. */
  readStream(aggregateType: string, aggregateId: string): AsyncIterable<StoredEvent>;
  /** One page of the log, oldest first. */
  pageEvents(
    filter: EventFilter,
    page: { readonly after?: LogPosition; readonly limit: number },
  ): Promise<LogPage>;
  /** Events by id, in the order of `ids`, null where there is none. */
  eventsByIds(ids: readonly string[]): Promise<(StoredEvent | null)[]>;
  /** The proof that an event is in the log; undefined where there is no such event. */
  proof(eventId: string): Promise<EventProof | undefined>;
  /** The public keys that have signed checkpoints, the newest first. */
  proofKeys(): Promise<readonly string[]>;
  /** The id of an aggregate that a command creates: made from the key, or new where there is none. */
  newId(aggregateType: string, key?: string | null): string;
}

/** What a subscription wants to see of a read model. */
export interface TenantSelection<R extends Row> {
  readonly projection: Projection<R>;
  /** In MongoDB's query language, over the row's fields; the tenant is put in by the feed. */
  readonly filter: RowFilter;
  /** The same filter in memory. */
  matches(row: R): boolean;
  /** Which changes are looked at: all where it is absent, else at least every one that could match. */
  readonly interest?: Interest<R> | undefined;
  /** A cursor to go on from, as the client gave it. */
  readonly after?: string | null | undefined;
}

/** What a subscription wants to see of the log. */
export interface TenantLogSelection {
  matches(event: StoredEvent): boolean;
  /** As of a read model. */
  readonly interest?: Interest<StoredEvent> | undefined;
  readonly after?: string | null | undefined;
}

/**
 * The feed bound to the caller's tenant and to the caller's connection, which it closes when that can't keep up. An
 * event stream goes on from its `Last-Event-ID` where no `after` is given.
 */
export interface TenantFeed {
  /** Snapshot, then every change in order. */
  ordered<R extends Row>(selection: TenantSelection<R>): Subscription<OrderedChange<R>>;
  /** Snapshot, then frames of the newest rows. */
  latest<R extends Row>(
    selection: TenantSelection<R>,
    options: { readonly maxPerSecond?: number },
  ): Subscription<FrameChange<R>>;
  /** The log as it grows. */
  log(selection: TenantLogSelection): Subscription<LogChange>;
  /** The cursor of the last item that the operation's subscription delivered. */
  lastCursor(): string | undefined;
}

/** Who is calling. @throws UNAUTHENTICATED where nobody proved it */
export function requireAccess(context: Context): Access {
  if (context.access === null) throw unauthenticated();
  return context.access;
}

/** What every command carries: the server's clock, when it happened, and who gave it. */
export function stamp(
  context: Context,
  input: { readonly occurredAt?: Date | null | undefined },
): { at: Date; occurredAt: Date; by: Caller } {
  const { sub, role, carrierId } = requireAccess(context);
  const at = context.now();
  const by = { id: sub, role, ...(carrierId === undefined ? {} : { carrierId }) };
  return { at, occurredAt: input.occurredAt ?? at, by };
}

/** The refusal FORBIDDEN unless the caller has one of these roles: for mutations, whose results can carry it. */
export function refuseUnless(context: Context, ...roles: readonly Role[]): Refusal | undefined {
  return roles.includes(requireAccess(context).role) ? undefined : refusal('FORBIDDEN');
}

/** True for a carrier, who sees only what concerns its own offers. */
export function isCarrier(access: Access): boolean {
  return access.role === 'carrier';
}

/** True for those who may read the log itself. */
export function isAuditor(access: Access): boolean {
  return access.role === 'dispatcher' || access.role === 'admin' || access.role === 'system';
}
