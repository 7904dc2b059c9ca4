import type { Caller } from './caller.ts';
import type { TenantFeed } from './context.ts';
import type { Feed, Subscription } from './eventstore/feed.ts';

/**
 * Binds the feed to a tenant and to the connection that its items go to.
 * @param caller whose connection is closed when it doesn't read what it asked for
 */
export function bindFeed(
  feed: Feed,
  tenantId: string,
  { onOverflow, lastEventId }: Pick<Caller, 'onOverflow' | 'lastEventId'>,
): TenantFeed {
  let subscription: Subscription<unknown> | undefined;
  const begun = <S extends Subscription<unknown>>(begin: S): S => {
    subscription = begin;
    return begin;
  };
  const bound = <R extends { readonly after?: string | null | undefined; matches(row: never): boolean }>(
    selection: R,
  ) => ({
    ...selection,
    // It may be a method that needs its `this`.
    matches: selection.matches.bind(selection),
    after: selection.after ?? lastEventId,
    tenantId,
    onOverflow,
  });
  return {
    ordered: (selection) => begun(feed.ordered(bound(selection))),
    latest: (selection, pace) => begun(feed.latest(bound(selection), pace)),
    log: (matches, after) => begun(feed.log({ tenantId, matches, onOverflow, after: after ?? lastEventId })),
    lastCursor: () => subscription?.lastCursor,
  };
}
