import type { Feed, Subscription } from '../../eventstore/feed/feed.ts';
import type { Row } from '../../eventstore/projection.ts';
import type { TenantFeed, TenantLogSelection, TenantSelection } from '../../graphql/context.ts';
import type { Caller } from './operation-context.ts';

/**
 * Binds the feed to a tenant and to the connection that its items go to.
 * @param caller whose connection is closed when it doesn't read what it asked for
 */
export function bindFeed(
  feed: Feed,
  tenantId: string,
  caller: Pick<Caller, 'onOverflow' | 'lastEventId'>,
): TenantFeed {
  return new BoundFeed(feed, tenantId, caller);
}

class BoundFeed implements TenantFeed {
  readonly #feed: Feed;
  readonly #tenantId: string;
  readonly #caller: Pick<Caller, 'onOverflow' | 'lastEventId'>;
  #subscription: Subscription<unknown> | undefined;

  constructor(feed: Feed, tenantId: string, caller: Pick<Caller, 'onOverflow' | 'lastEventId'>) {
    this.#feed = feed;
    this.#tenantId = tenantId;
    this.#caller = caller;
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
    const { onOverflow, lastEventId } = this.#caller;
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
