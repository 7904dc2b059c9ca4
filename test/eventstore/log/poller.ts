import type { Store } from '../../../src/eventstore/command/store.ts';
import type { EventFilter } from '../../../src/eventstore/log/event-filter.ts';
import { pageEvents } from '../../../src/eventstore/log/pages.ts';
import { LOG_START, type LogPage } from '../../../src/eventstore/log/position.ts';
import { positionOf, positionText } from '../../../src/eventstore/log/position-text.ts';
import { eventually } from '../../eventually.ts';

/** A client that asks for the log page by page, and goes on from where it was, by the cursor as text. */
export interface Poller {
  /** The ids of all that it was shown, in that order. */
  readonly shown: string[];
  /** Asks for one page. */
  page(limit?: number): Promise<LogPage>;
  /** Asks until there is no more. @returns the ids of what is new */
  toTheEnd(): Promise<string[]>;
  /** Asks, and asks again, until it was shown so many. */
  until(count: number): Promise<void>;
}

export function openPoller(
  store: Pick<Store, 'client' | 'events' | 'horizon'>,
  filter: EventFilter = {},
  tenantId = 'acme',
): Poller {
  const shown: string[] = [];
  let cursor = positionText(LOG_START);
  const page: Poller['page'] = async (limit = 200) => {
    const after = positionOf(cursor);
    if (after === undefined) throw new Error(`${cursor} is no position.`);
    const found = await pageEvents(store, tenantId, filter, { after, limit });
    shown.push(...found.items.map(({ event }) => event._id.toString()));
    cursor = positionText(found.end);
    return found;
  };
  return {
    shown,
    page,
    async toTheEnd() {
      const before = shown.length;
      while ((await page()).more);
      return shown.slice(before);
    },
    async until(count) {
      await eventually(async () => {
        await page();
        if (shown.length < count) throw new Error(`${shown.length} of ${count} were shown.`);
      });
    },
  };
}
