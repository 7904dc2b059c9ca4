import type { Store } from '../../eventstore/command/store.ts';
import { rowsOf } from '../../eventstore/projection/rows.ts';
import type { Row } from '../../eventstore/projection.ts';
import { tendersRead } from '../../tender/projection.ts';
import { fleetStatus } from '../../vehicle/projection.ts';
import type { BoardSubscriber } from '../client/board-subscriber.ts';
import type { Subscribed } from '../client/subscriptions.ts';
import { DRILL_TENANT } from '../data/commands.ts';
import type { StreamKind } from '../data/stream-kinds.ts';
import type { DrillReport } from '../report.ts';
import { until } from '../until.ts';

/** Every subscriber comes to show what the read model has. */
export async function checkBoards(
  store: Store,
  { projection }: StreamKind,
  subscribers: readonly BoardSubscriber[],
  report: DrillReport,
): Promise<void> {
  const rows = rowsOf<Row & { fleetId?: string | null }>(store, DRILL_TENANT, projection);
  const all = await rows.find({}, { sort: { _id: 1 }, limit: 0 });
  for (const { fleetId, shown } of subscribers) {
    const own = all.filter((row) => fleetId === undefined || row.fleetId === fleetId);
    const expected = new Map(own.map(({ id, lastSequence }) => [id, lastSequence]));
    await checkShown(`a subscriber of ${fleetId ?? 'the whole board'}`, shown, expected, report);
  }
}

/** A client of the API, and what it shows. */
interface Watching {
  readonly of: Subscribed;
  readonly transport: string;
  readonly shown: ReadonlyMap<string, number>;
}

/** Every client comes to show each stream of the log at its last event. */
export async function checkScreens(
  store: Store,
  clients: readonly Watching[],
  when: string,
  report: DrillReport,
): Promise<void> {
  for (const { of, transport, shown } of clients) {
    if (of === 'events') continue;
    const expected = await lastSequences(store, of);
    await checkShown(`the screen of ${of} over ${transport}, ${when},`, shown, expected, report);
  }
}

/** By the ids that clients know. */
async function lastSequences(
  store: Store,
  of: Exclude<Subscribed, 'events'>,
): Promise<ReadonlyMap<string, number>> {
  const [{ aggregateType }, prefix] = of === 'tenders' ? [tendersRead, 'tender'] : [fleetStatus, 'vehicle'];
  const streams = store.events.aggregate<{ _id: object; last: number }>([
    { $match: { tenantId: DRILL_TENANT, aggregateType } },
    { $group: { _id: '$aggregateId', last: { $max: '$sequence' } } },
  ]);
  return new Map((await streams.toArray()).map(({ _id, last }) => [`${prefix}_${_id}`, last]));
}

/** A screen comes to show these rows, each at this sequence, and no others. */
async function checkShown(
  who: string,
  shown: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number>,
  report: DrillReport,
): Promise<void> {
  const wrong = (): string | undefined => {
    for (const [id, sequence] of expected) if (shown.get(id) !== sequence) return id;
    return undefined;
  };
  // Rows that it had before leave last, at the end of a snapshot.
  await until(() => wrong() === undefined && shown.size === expected.size);
  const id = wrong();
  if (id !== undefined)
    report.problem(`${who} shows ${shown.get(id)} of ${id}, which is at ${expected.get(id)}.`);
  else if (shown.size !== expected.size)
    report.problem(`${who} shows ${shown.size} rows, where there are ${expected.size}.`);
}
