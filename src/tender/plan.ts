import type { PlannedStop } from './events.ts';
import type { Load, Plan, Stop } from './state.ts';

// A report tells of a stop by its place in the list; an amendment may change the list. So that a report stays with the
// stop that it was about, a stop has an id of its own, which it keeps while it is the same place: `2.3` for the third stop
// of the second plan, where it first stood. A stop that has left the plan is kept for the reports there are of it.

/** How often the way of a load can change in its life: its row must not grow without bound. New times for the same stops do not count. */
export const MAX_PLANS = 100;

/** A place whose coordinates were put right is the same place where its name is, within this distance. */
const SAME_PLACE_WITHIN_M = 1_000;

/** How a load's stops stand, and what they were before. */
type Way = Pick<Load, 'stops' | 'plans' | 'formerStops'>;

/** The way as it was first entered. */
export function firstWay(planned: readonly PlannedStop[], from: Date): Way {
  const stops = planned.map((stop, index): Stop => ({ ...stop, id: `1.${index + 1}`, sequence: index + 1 }));
  return { stops, plans: [planOf(stops, from)], formerStops: [] };
}

/** The plan to make these stops, from a moment on. */
export function planOf(stops: readonly Stop[], from: Date): Plan {
  return { from, stopIds: stops.map(({ id }) => id) };
}

/** The way with other stops from a moment on: those that are the same places keep their ids. */
export function changedWay(way: Way, planned: readonly PlannedStop[], from: Date): Way {
  const known = [...way.stops, ...way.formerStops];
  const ids = keptIds(known, planned);
  const stops = planned.map((stop, index): Stop => {
    const sequence = index + 1;
    return { ...stop, id: ids[index] ?? `${way.plans.length + 1}.${sequence}`, sequence };
  });
  const stopIds = stops.map(({ id }) => id);
  const last = way.plans.at(-1);
  const sameWay = last !== undefined && isSameList(last.stopIds, stopIds);
  const plans: readonly Plan[] = sameWay ? way.plans : [...way.plans, { from, stopIds }];
  return { stops, plans, formerStops: known.filter(({ id }) => !stopIds.includes(id)) };
}

/** True where the stops would stand in another order, or be others. */
export function changesWay(way: Way, planned: readonly PlannedStop[]): boolean {
  const ids = keptIds([...way.stops, ...way.formerStops], planned);
  return !isSameList(
    way.stops.map(({ id }) => id),
    ids,
  );
}

/**
 * The stop that someone meant who said at a moment that something happened at the nth stop: that of the plan then in
 * force, as far as that had so many; of the present one, also before there was any; at last of whichever had.
 */
export function stopMeant(way: Way, sequence: number, at: Date): Stop | undefined {
  const { plans } = way;
  const inForce = plans.findLast(({ from }) => from <= at);
  const candidates = inForce === undefined ? plans.toReversed() : [inForce, ...plans.toReversed()];
  const id = candidates.map(({ stopIds }) => stopIds[sequence - 1]).find((each) => each !== undefined);
  return stopWith(way, id);
}

/** The stop of this id, in the plan or not any more. Every report asks for its own: no list is made for that. */
export function stopWith(
  { stops, formerStops }: Pick<Way, 'stops'> & Partial<Pick<Way, 'formerStops'>>,
  stopId: string | undefined,
): Stop | undefined {
  const isIt = ({ id }: Stop): boolean => id === stopId;
  return stops.find(isIt) ?? formerStops?.find(isIt);
}

/** The id that each planned stop has already, where it is the same place as one that is known; each id once. */
function keptIds(known: readonly Stop[], planned: readonly PlannedStop[]): (string | undefined)[] {
  const free = new Set(known);
  const ids: (string | undefined)[] = planned.map(() => undefined);
  for (const isSame of [isSameSpot, isSameName]) {
    for (const [index, stop] of planned.entries()) {
      if (ids[index] !== undefined) continue;
      const same = [...free].find((each) => each.kind === stop.kind && isSame(each, stop));
      if (same === undefined) continue;
      free.delete(same);
      ids[index] = same.id;
    }
  }
  return ids;
}

function isSameSpot(one: PlannedStop, other: PlannedStop): boolean {
  return one.longitude === other.longitude && one.latitude === other.latitude;
}

function isSameName(one: PlannedStop, other: PlannedStop): boolean {
  return one.name === other.name && distanceM(one, other) <= SAME_PLACE_WITHIN_M;
}

const M_PER_DEGREE = 111_195;

/** Good enough for what lies close together, over the date line too. */
function distanceM(one: PlannedStop, other: PlannedStop): number {
  const turn = Math.abs(one.longitude - other.longitude);
  const east = Math.min(turn, 360 - turn) * Math.cos((one.latitude * Math.PI) / 180);
  return Math.hypot(east, one.latitude - other.latitude) * M_PER_DEGREE;
}

function isSameList(one: readonly (string | undefined)[], other: readonly (string | undefined)[]): boolean {
  return one.length === other.length && one.every((id, index) => id === other[index]);
}
