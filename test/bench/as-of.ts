import type { Store } from '../../src/eventstore/command/store.ts';
import { rowAsOf } from '../../src/eventstore/time/as-of.ts';
import type { Mongo } from '../../src/mongo/mongo.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import { type LongStream, makeLongStream } from './long-stream.ts';
import { type Findings, type Line, type Plan, scaled } from './measure.ts';
import { openBenchStore } from './replay-log.ts';
import { type TimedWay, timeLine, timeNote, timeWays } from './times.ts';
import {
  backlog,
  filesInAnyOrder,
  inNoOrder,
  mostlyInOrder,
  newestFirst,
  type Order,
} from './told-orders.ts';

const EVENTS = 100_000;
/** In one repetition; the p99 of fewer is only their worst. */
const QUESTIONS = 500;

/** What real streams look like: as devices tell them that were out of reach, and as files are imported. */
const ORDERS: readonly (readonly [string, Order])[] = [
  ['a stream', mostlyInOrder],
  ['a backlog told beside what is new', backlog],
  ['a backlog told the newest first', newestFirst],
  ['files imported in any order', filesInAnyOrder],
  ['an import without order', inNoOrder],
];

/** "Where was it then?" of vehicles with a long past, beside reading one document by its id. */
export async function benchAsOf(mongo: Mongo, database: string, plan: Plan): Promise<Findings> {
  const store = await openBenchStore(mongo, database);
  const events = scaled(plan, EVENTS, 1_000);
  const lines: Line[] = [];
  const notes: string[] = [];
  for (const [name, order] of ORDERS) {
    const long = await makeLongStream(store, events, order);
    const title = `${name} of ${events.toLocaleString('en')}`;
    const late = `${Math.round(long.late * 100)} % late`;
    const [raw, asOf, both] = waysOf(store, long, title);
    const [raws = [], ones = [], twos = []] = await timeWays(
      [raw, asOf, both],
      plan,
      scaled(plan, QUESTIONS, 100),
    );
    lines.push(
      timeLine(asOf.name, raw.name, [ones, raws], 0.5),
      timeLine(asOf.name, raw.name, [ones, raws], 0.99, 4),
      timeLine(both.name, raw.name, [twos, raws], 0.99, 4),
    );
    notes.push(
      `${title}: ${late}.`,
      timeNote(raw.name, raws),
      timeNote(asOf.name, ones),
      timeNote(both.name, twos),
    );
  }
  return { lines, notes };
}

function waysOf(store: Store, long: LongStream, title: string): [TimedWay, TimedWay, TimedWay] {
  const ask = (moment: { asOf: Date; knownAt?: Date }): Promise<unknown> =>
    rowAsOf(store, long.stream, vehicle, fleetStatus, moment);
  return [
    {
      name: 'raw findOne by _id',
      run: async () => {
        const _id = long.eventIds[Math.floor(Math.random() * long.eventIds.length)];
        if (_id === undefined || (await store.events.findOne({ _id })) === null)
          throw new Error('There is no event to read.');
      },
    },
    {
      name: `asOf on ${title}`,
      run: async () => {
        if ((await ask({ asOf: someTime(long.begin, long.end) })) === null)
          throw new Error('The vehicle was nowhere.');
      },
    },
    {
      // Nothing may have been known of it by then.
      name: `asOf and knownAt on ${title}`,
      run: () => ask({ asOf: someTime(long.begin, long.end), knownAt: someTime(...long.recorded) }),
    },
  ];
}

function someTime(from: Date, to: Date): Date {
  return new Date(from.getTime() + Math.random() * (to.getTime() - from.getTime()));
}
