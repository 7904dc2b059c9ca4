import type { Store } from '../../eventstore/command/store.ts';
import type { ResumingSubscriber } from '../client/resuming-subscriber.ts';
import type { Subscribed } from '../client/subscriptions.ts';
import type { DrillReport } from '../report.ts';
import { until } from '../until.ts';

/** Where an event stands in the log. */
interface Position {
  readonly stream: string;
  readonly sequence: number;
}

/**
 * Every subscriber comes to have received every event of the log that it subscribed to: once, in the order of its stream, and
 * in the same order as all others.
 * @returns how many events each received, by what it subscribed to
 */
export async function checkReceived(
  store: Store,
  subscribers: readonly ResumingSubscriber[],
  report: DrillReport,
): Promise<ReadonlyMap<Subscribed, number>> {
  const received = new Map<Subscribed, number>();
  for (const of of new Set(subscribers.map((subscriber) => subscriber.of))) {
    const positions = await positionsOf(store, of);
    received.set(of, positions.size);
    const group = subscribers.filter((subscriber) => subscriber.of === of);
    await awaitReceived(group, positions.size);
    const [first] = group;
    for (const [index, subscriber] of group.entries()) {
      const who = `subscriber ${index} of ${of}`;
      checkOne(who, subscriber.received, positions, report);
      const apart = subscriber.received.findIndex((id, at) => id !== first?.received[at]);
      if (apart >= 0) report.problem(`${who} was told another event than others as number ${apart + 1}.`);
    }
  }
  return received;
}

/** Waits until each has received so many events, or none receives any more. */
async function awaitReceived(group: readonly ResumingSubscriber[], events: number): Promise<void> {
  const progress = (): number => group.reduce((total, { received }) => total + received.length, 0);
  await until(() => group.every(({ received }) => received.length >= events), { progress });
}

function checkOne(
  who: string,
  received: readonly string[],
  positions: ReadonlyMap<string, Position>,
  report: DrillReport,
): void {
  const last = new Map<string, number>();
  const seen = new Set<string>();
  let [doubles, disorder, unknown] = [0, 0, 0];
  for (const id of received) {
    const position = positions.get(id);
    if (position === undefined) unknown += 1;
    else if (seen.has(id)) doubles += 1;
    else if (position.sequence !== (last.get(position.stream) ?? 0) + 1) disorder += 1;
    if (position !== undefined) last.set(position.stream, position.sequence);
    seen.add(id);
  }
  const missing = [...positions.keys()].filter((id) => !seen.has(id)).length;
  const wrong = Object.entries({ missing, doubled: doubles, 'out of order': disorder, unknown })
    .filter(([, number]) => number > 0)
    .map(([what, number]) => `${number} ${what}`);
  if (wrong.length > 0)
    report.problem(`${who} was told ${received.length} of ${positions.size} events: ${wrong.join(', ')}.`);
}

/** The log by the ids that clients know. */
async function positionsOf({ events }: Store, of: Subscribed): Promise<Map<string, Position>> {
  const positions = new Map<string, Position>();
  const filter = of === 'tenders' ? { aggregateType: 'Tender' } : {};
  const projection = { aggregateType: 1, aggregateId: 1, sequence: 1 };
  for await (const { _id, aggregateType, aggregateId, sequence } of events.find(filter, { projection }))
    positions.set(`event_${_id}`, { stream: `${aggregateType} ${aggregateId}`, sequence });
  return positions;
}
