import { type StreamRef, streamKey } from '../../src/eventstore/aggregate.ts';
import { loadStream } from '../../src/eventstore/command/load.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import type { Mongo } from '../../src/mongo/mongo.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import { makeLongStream } from './long-stream.ts';
import { type Findings, type Plan, scaled } from './measure.ts';
import { openBenchStore } from './replay-log.ts';
import { type TimedWay, timeLine, timeNote, timeWays } from './times.ts';

const EVENTS = 100_000;
const FEW = 100;
/** In one repetition. */
const LOADS = 500;

/** A stream that is not in memory, loaded for a decision: a long one beside a short one. */
export async function benchLoad(mongo: Mongo, database: string, plan: Plan): Promise<Findings> {
  const store = await openBenchStore(mongo, database);
  const events = scaled(plan, EVENTS, 1_000);
  const few = await makeLongStream(store, FEW);
  const name = `load a stream of ${events.toLocaleString('en')}`;
  const long = loadOf(name, store, (await makeLongStream(store, events)).stream, events);
  const short = loadOf(`load a stream of ${FEW}`, store, few.stream, FEW);
  const plain = await openBenchStore(mongo, database, 0);
  const unaided = loadOf(`load a stream of ${FEW} without snapshots`, plain, few.stream, FEW);
  const ways = [long, short, unaided];
  const [longs = [], shorts = [], unaideds = []] = await timeWays(ways, plan, scaled(plan, LOADS, 100));
  return {
    lines: [
      timeLine(long.name, short.name, [longs, shorts], 0.5, 2),
      timeLine(long.name, unaided.name, [longs, unaideds], 0.5, 2),
      timeLine(long.name, unaided.name, [longs, unaideds], 0.99),
    ],
    notes: [timeNote(long.name, longs), timeNote(short.name, shorts), timeNote(unaided.name, unaideds)],
  };
}

/** Loads a stream as a command does that is the first one on it. */
function loadOf(name: string, store: Store, stream: StreamRef, events: number): TimedWay {
  return {
    name,
    async run() {
      store.cache.delete(streamKey(stream));
      const { folded } = await loadStream(store, stream, vehicle, 'fresh');
      if (folded.sequence !== events) throw new Error(`Only ${folded.sequence} events were folded.`);
    },
  };
}
