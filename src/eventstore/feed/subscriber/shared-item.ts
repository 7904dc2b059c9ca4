import type { Delivery } from '../delivery.ts';

/** Items of one kind, by the delivery that they tell of. They go when nobody has the delivery any more. */
export type SharedItems = WeakMap<object, object>;

/**
 * The item by which subscribers are told of a delivery: one object for all of them, so that whatever is made of it
 * can be shared, too.
 * @param make makes it for the first who asks; what it makes depends on nothing but the delivery
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
