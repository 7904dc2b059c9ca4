import { setTimeout as pause } from 'node:timers/promises';
import type { Store } from '../../eventstore/command/store.ts';
import type { ResumingSubscriber, Subscribed } from '../client/resuming-subscriber.ts';
import type { DrillReport } from '../report.ts';

/** Where an event stands in the log. */
interface Place {
  readonly stream: string;
  readonly sequence: number;
}

/** How long nobody may be told anything while something is missing, in ms. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 50;

/**
 * Every follower comes to have been told every event of the log that concerns it: once, in the order of its stream, and in
 * the same order as all others.
 * @returns how many events each was told, by what it follows
 */
export async function checkTold(
  store: Store,
  followers: readonly ResumingSubscriber[],
  report: DrillReport,
): Promise<ReadonlyMap<Subscribed, number>> {
  const told = new Map<Subscribed, number>();
  for (const of of new Set(followers.map((follower) => follower.of))) {
    const places = await placesOf(store, of);
    told.set(of, places.size);
    const group = followers.filter((follower) => follower.of === of);
    await untilTold(group, places.size);
    const [first] = group;
    for (const [index, follower] of group.entries()) {
      const who = `follower ${index} of ${of}`;
      checkOne(who, follower.told, places, report);
      const apart = follower.told.findIndex((id, at) => id !== first?.told[at]);
      if (apart >= 0) report.problem(`${who} was told another event than others as number ${apart + 1}.`);
    }
  }
  return told;
}

/** Waits until each has been told so many events, or nobody is told any more. */
async function untilTold(group: readonly ResumingSubscriber[], events: number): Promise<void> {
  let [sum, movedAt] = [0, performance.now()];
  while (group.some(({ told }) => told.length < events) && performance.now() - movedAt < PATIENCE_MS) {
    await pause(LOOK_MS);
    const now = group.reduce((total, { told }) => total + told.length, 0);
    if (now !== sum) movedAt = performance.now();
    sum = now;
  }
}

function checkOne(
  who: string,
  told: readonly string[],
  places: ReadonlyMap<string, Place>,
  report: DrillReport,
): void {
  const last = new Map<string, number>();
  const seen = new Set<string>();
  let [doubles, disorder, unknown] = [0, 0, 0];
  for (const id of told) {
    const place = places.get(id);
    if (place === undefined) unknown += 1;
    else if (seen.has(id)) doubles += 1;
    else if (place.sequence !== (last.get(place.stream) ?? 0) + 1) disorder += 1;
    if (place !== undefined) last.set(place.stream, place.sequence);
    seen.add(id);
  }
  const missing = [...places.keys()].filter((id) => !seen.has(id)).length;
  const wrong = Object.entries({ missing, doubled: doubles, 'out of order': disorder, unknown })
    .filter(([, number]) => number > 0)
    .map(([what, number]) => `${number} ${what}`);
  if (wrong.length > 0)
    report.problem(`${who} was told ${told.length} of ${places.size} events: ${wrong.join(', ')}.`);
}

/** The log by the ids that clients know. */
async function placesOf({ events }: Store, of: Subscribed): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  const filter = of === 'tenders' ? { aggregateType: 'Tender' } : {};
  const projection = { aggregateType: 1, aggregateId: 1, sequence: 1 };
  for await (const { _id, aggregateType, aggregateId, sequence } of events.find(filter, { projection }))
    places.set(`event_${_id}`, { stream: `${aggregateType} ${aggregateId}`, sequence });
  return places;
}
