import type { Feed } from '../../eventstore/feed/feed.ts';
import type { Subscription } from '../../eventstore/feed/subscription.ts';
import type { Row } from '../../eventstore/projection.ts';
import type { TenantFeed, TenantLogSelection, TenantSelection } from '../../graphql/context.ts';

/** The connection that a subscription's items go to. */
interface Connection {
  /** Closes it, when its client does not read what it asked for. */
  readonly onOverflow: () => void;
  /** The `Last-Event-ID` of an event stream that was cut: where its next subscription goes on. */
  readonly lastEventId?: string | undefined;
}

/** Binds the feed to a tenant and to a connection. */
export function bindFeed(feed: Feed, tenantId: string, connection: Connection): TenantFeed {
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
