import { randomUUID } from 'node:crypto';
import { type Access, authorityOf } from '../../access/access.ts';
import type { Store } from '../../eventstore/command/store.ts';
import type { Feed } from '../../eventstore/feed/feed.ts';
import type { Subscription } from '../../eventstore/feed/subscription.ts';
import type { ProjectionStatus } from '../../eventstore/projection/status.ts';
import type { Row } from '../../eventstore/projection.ts';
import type {
  Context,
  TenantFeed,
  TenantLogSelection,
  TenantPersonal,
  TenantSelection,
  TenantStore,
} from '../../graphql/context.ts';
import { unauthenticated } from '../../graphql/errors.ts';
import type { TenantAdmin } from '../../graphql/tenant-admin.ts';
import type { Personal } from '../../personal/personal.ts';
import type { Admission } from './guards.ts';
import { bindAdmin } from './tenant-admin.ts';
import { bindPersonal } from './tenant-personal.ts';
import { bindStore, type RequestTrace } from './tenant-store.ts';

/** What operations are answered with, opened once per process. */
export interface Services {
  readonly store: Store;
  readonly feed: Feed;
  readonly personal: Personal;
  /** How far behind the log each read model is. */
  readonly projections: () => Promise<readonly ProjectionStatus[]>;
}

/** The same, with a bound on how much is answered at once. */
export interface AdmittingServices extends Services {
  readonly admission: Admission;
}

/** Who asks for an operation, and over which connection. */
export interface OperationSource {
  readonly access: Access | null;
  /** Reads a header of the request, or of the upgrade to a socket, by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  /** Closes the connection of a subscriber that does not read. */
  readonly onOverflow: () => void;
  /** The `Last-Event-ID` of an event stream that was cut. */
  readonly lastEventId?: string | undefined;
  /** True where the client waits for no answer any more. */
  readonly hasLeft?: () => boolean;
}

/** Makes the context of one operation, with store and feed bound to the caller's tenant. */
export function contextOf(services: AdmittingServices, source: OperationSource): Context {
  const { access, header } = source;
  let known: RequestTrace | undefined;
  const trace = (): RequestTrace => {
    known ??= traceOf(header);
    return known;
  };
  return {
    access,
    store:
      access === null ? DENIED_STORE : bindStore(services.store, access.tenantId, trace, services.admission),
    feed: access === null ? DENIED_FEED : bindFeed(services.feed, access.tenantId, source),
    get admin() {
      return access === null ? DENIED_ADMIN : bindAdmin(services.store, access);
    },
    get personal() {
      return access === null ? DENIED_PERSONAL : bindPersonal(services.personal, access.tenantId);
    },
    projections: services.projections,
    hasLeft: source.hasLeft,
    now: () => new Date(services.store.clock.now()),
    forGroup: () =>
      contextOf(services, {
        access: access === null ? null : anyoneWith(access),
        header: () => undefined,
        onOverflow: () => undefined,
      }),
  };
}

/** The same rights, but nobody in particular. */
function anyoneWith(access: Access): Access {
  return {
    ...authorityOf(access),
    get sub(): string {
      throw new Error('What is shared by several callers must not depend on who they are.');
    },
  };
}

/** Without access every use of store and feed throws, even where a resolver forgot to check. */
function denied<T extends object>(): T {
  return new Proxy({} as T, {
    get() {
      throw unauthenticated();
    },
  });
}
const DENIED_STORE = denied<TenantStore>();
const DENIED_FEED = denied<TenantFeed>();
const DENIED_ADMIN = denied<TenantAdmin>();
const DENIED_PERSONAL = denied<TenantPersonal>();

function traceOf(header: OperationSource['header']): RequestTrace {
  const traceId = traceIdOf(header('traceparent'));
  return {
    origin: 'graphql',
    correlationId: correlationIdOf(header('x-correlation-id')),
    ...(traceId === undefined ? {} : { traceId }),
  };
}

/** The trace id of a `traceparent` header (W3C Trace Context, level 1). */
function traceIdOf(traceparent: string | undefined): string | undefined {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent ?? '');
  return match?.[1] === '0'.repeat(32) ? undefined : match?.[1];
}

/** The caller's own id of the request where it is a sane one, else a new one. */
function correlationIdOf(header: string | undefined): string {
  return header !== undefined && /^[\w.:-]{1,128}$/.test(header) ? header : randomUUID();
}

/** The connection that a subscription's items go to. */
interface Connection {
  /** Closes it, when its client does not read what it asked for. */
  readonly onOverflow: () => void;
  /** The `Last-Event-ID` of an event stream that was cut: where its next subscription goes on. */
  readonly lastEventId?: string | undefined;
}

/** Binds the feed to a tenant and to a connection. */
function bindFeed(feed: Feed, tenantId: string, connection: Connection): TenantFeed {
  return new BoundFeed(feed, tenantId, connection);
}

class BoundFeed implements TenantFeed {
  readonly #feed: Feed;
  readonly #tenantId: string;
  readonly #connection: Connection;
  #subscription: Subscription<unknown> | undefined;

  constructor(feed: Feed, tenantId: string, connection: Connection) {
    this.#feed = feed;
    this.#tenantId = tenantId;
    this.#connection = connection;
  }

  ordered<R extends Row>(selection: TenantSelection<R>) {
    return this.#begun(this.#feed.ordered(this.#bind(selection)));
  }

  latest<R extends Row>(selection: TenantSelection<R>, pace: { readonly maxPerSecond?: number }) {
    return this.#begun(this.#feed.latest(this.#bind(selection), pace));
  }

  log(selection: TenantLogSelection) {
    return this.#begun(this.#feed.log(this.#bind(selection)));
  }

  lastCursor(): string | undefined {
    return this.#subscription?.lastCursor;
  }

  #begun<S extends Subscription<unknown>>(subscription: S): S {
    this.#subscription = subscription;
    return subscription;
  }

  #bind<S extends { readonly after?: string | null | undefined; matches(row: never): boolean }>(
    selection: S,
  ) {
    const { onOverflow, lastEventId } = this.#connection;
    return {
      ...selection,
      // It may be a method that needs its `this`.
      matches: selection.matches.bind(selection),
      after: selection.after ?? lastEventId,
      tenantId: this.#tenantId,
      onOverflow,
    };
  }
}
