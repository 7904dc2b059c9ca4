import type { TenantFeed } from './context.ts';
import type { Feed } from './eventstore/feed.ts';

/**
 * Binds the feed to a tenant and to the connection that its items go to.
 * @param onOverflow closes that connection: it doesn't read what it asked for
 */
export function bindFeed(feed: Feed, tenantId: string, onOverflow: () => void): TenantFeed {
  return {
    ordered: (selection) => feed.ordered({ ...own(selection), tenantId, onOverflow }),
    latest: (selection, pace) => feed.latest({ ...own(selection), tenantId, onOverflow }, pace),
    log: (matches) => feed.log({ tenantId, matches, onOverflow }),
  };
}

// A selection's `matches` may be a method that needs its `this`.
function own<R>(selection: R & { matches(row: never): boolean }): R {
  return { ...selection, matches: selection.matches.bind(selection) };
}
