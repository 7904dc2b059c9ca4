import type { Delivery } from '../delivery.ts';

/** Items of one kind, by the delivery that they are made of. They go when nobody has the delivery any more. */
export type SharedItems = WeakMap<object, object>;

/**
 * The item that subscribers get for a delivery: one object for all of them, so that what is made of it further on, such
 * as a frame's text, can be shared, too.
 * @param make makes it for the first who asks; it must depend on nothing but the delivery
 */
export function sharedItem<D extends object, T extends object>(
  items: SharedItems,
  delivery: Delivery<D>,
  make: (delivery: Delivery<D>) => T,
): T {
  const known = items.get(delivery);
  if (known !== undefined) return known as T;
  const item = make(delivery);
  items.set(delivery, item);
  return item;
}
