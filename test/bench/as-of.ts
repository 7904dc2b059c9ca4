import { rowAsOf } from '../../src/eventstore/time/as-of.ts';
import type { Mongo } from '../../src/mongo/mongo.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import { type LongStream, makeLongStream } from './long-stream.ts';
import { type Findings, type Plan, scaled } from './measure.ts';
import { openBenchStore } from './replay-log.ts';
import { timeLine, timeNote, timeWays } from './times.ts';

const EVENTS = 100_000;
/** In one repetition; the p99 of fewer is only their worst. */
const QUESTIONS = 500;

/** "Where was it then?" of a vehicle with a long past, beside reading one document by its id. */
export async function benchAsOf(mongo: Mongo, database: string, plan: Plan): Promise<Findings> {
  const store = await openBenchStore(mongo, database);
  const events = scaled(plan, EVENTS, 1_000);
  const long = await makeLongStream(store, events);
  const ask = async (moment: { asOf: Date; knownAt?: Date }): Promise<void> => {
    const row = await rowAsOf(store, long.stream, vehicle, fleetStatus, moment);
    if (row === null) throw new Error('The vehicle was nowhere.');
  };
  const raw = {
    name: 'raw findOne by _id',
    run: async () => {
      const _id = long.eventIds[Math.floor(Math.random() * long.eventIds.length)];
      if (_id === undefined || (await store.events.findOne({ _id })) === null)
        throw new Error('There is no event to read.');
    },
  };
  const asOf = {
    name: `asOf on a stream of ${events.toLocaleString('en')}`,
    run: () => ask({ asOf: someTime(long) }),
  };
  const both = {
    name: 'asOf and knownAt',
    run: () => {
      const moment = someTime(long);
      return ask({ asOf: moment, knownAt: new Date(moment.getTime() + 60_000) });
    },
  };
  const [raws = [], ones = [], twos = []] = await timeWays(
    [raw, asOf, both],
    plan,
    scaled(plan, QUESTIONS, 100),
  );
  return {
    lines: [
      timeLine(asOf.name, raw.name, [ones, raws], 0.5),
      timeLine(asOf.name, raw.name, [ones, raws], 0.99, 4),
      timeLine(both.name, raw.name, [twos, raws], 0.99, 4),
    ],
    notes: [timeNote(raw.name, raws), timeNote(asOf.name, ones), timeNote(both.name, twos)],
  };
}

function someTime({ begin, end }: LongStream): Date {
  // Not before the first fix was told.
  const from = begin.getTime() + 60_000;
  return new Date(from + Math.random() * (end.getTime() - from));
}
