import type { StoredEvent } from '../../event.ts';
import { BARE_BYTES, type Delivery, isBehind } from '../cursor.ts';
import type { LogChange } from '../item.ts';
import type { FeedLimits } from '../limits.ts';
import { openQueue } from '../queue.ts';
import { type Lane, type SharedItems, sharedItem } from './lane.ts';

const APPENDED: SharedItems = new WeakMap();

/** Events that match, in the order of commit. Nothing is dropped. */
export function openLogLane(
  matches: (event: StoredEvent) => boolean,
  limits: FeedLimits,
): Lane<StoredEvent, LogChange> {
  const queue = openQueue<LogChange>(limits);
  const buffered = openQueue<Delivery<StoredEvent>>(limits);
  const accept = (delivery: Delivery<StoredEvent>) => {
    const { document: event } = delivery;
    if (event === null || !matches(event)) return undefined;
    const item = sharedItem(
      APPENDED,
      delivery,
      ({ cursor }): LogChange => ({ kind: 'appended', event, cursor }),
    );
    return queue.push(item, delivery.bytes);
  };
  return {
    accept,
    buffer: (delivery) => buffered.push(delivery, delivery.bytes),
    cutover(place) {
      for (let delivery = buffered.shift(); delivery !== undefined; delivery = buffered.shift()) {
        const excess = isBehind(delivery.place, place) ? accept(delivery) : undefined;
        if (excess !== undefined) return excess;
      }
      return undefined;
    },
    push: (item) => void queue.push(item, BARE_BYTES),
    take: () => queue.shift(),
    dueIn: () => (queue.length > 0 ? 0 : undefined),
    reset: () => queue.clear(),
    get size() {
      return queue.length + buffered.length;
    },
  };
}
