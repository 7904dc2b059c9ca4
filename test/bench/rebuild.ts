import type { OpenWorkers } from '../../src/eventstore/rebuild/ranges.ts';
import { rebuildProjection } from '../../src/eventstore/rebuild/rebuild.ts';
import type { Mongo } from '../../src/mongo/mongo.ts';
import { openThreads } from '../../src/process/replay-threads.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import {
  type Contender,
  type Findings,
  interleave,
  type Line,
  lineOf,
  type Plan,
  quantile,
  ratios,
  scaled,
} from './measure.ts';
import { dropReplaced, logMb, openReplayLog, peakOf, REPLAY_EVENTS, scanOf } from './replay-log.ts';

/** A tenth of the log takes less memory than all of it, by what is not yet collected. */
const FLAT = 1.5;

/**
 * A whole rebuild, switch included, beside a plain scan of the same log; and whether its memory grows with the log.
 */
export async function benchRebuild(mongo: Mongo, database: string, plan: Plan): Promise<Findings> {
  const events = scaled(plan, REPLAY_EVENTS, 1_000);
  const store = await openReplayLog(mongo, database, events);
  const rebuild = (name: string, openWorkers?: OpenWorkers): Contender => ({
    name,
    run: async () => {
      const options = openWorkers === undefined ? {} : { openWorkers };
      return (await rebuildProjection(store, fleetStatus, options)).events;
    },
    settle: () => dropReplaced(store),
  });
  const scan = scanOf(store);
  const one = rebuild('rebuild, one worker');
  const two = rebuild('rebuild, two workers', openThreads(2, mongo.uri));
  const [scans = [], ones = [], twos = []] = await interleave([scan, one, two], plan);
  const rate = (rates: readonly number[]): string => Math.round(quantile(rates, 0.5)).toLocaleString('en');
  const size = await logMb(store);
  const memory = await benchMemory(mongo, database, events);
  return {
    lines: [
      lineOf(one.name, scan.name, ratios(ones, scans), 0.8),
      lineOf(two.name, scan.name, ratios(twos, scans), 1.2),
      ...memory.lines,
    ],
    notes: [
      `${events.toLocaleString('en')} events (${size} MiB) a second: scanned ${rate(scans)}, rebuilt by one worker ` +
        `${rate(ones)}, by two ${rate(twos)}; the announcement of the switch, 1.2 s whatever the size, included.`,
      ...(memory.notes ?? []),
    ],
  };
}

async function benchMemory(mongo: Mongo, database: string, events: number): Promise<Findings> {
  const smaller = `${database}_tenth`;
  const tenth = await openReplayLog(mongo, smaller, Math.ceil(events / 10));
  const lines: Line[] = [];
  const peaks: string[] = [];
  for (const what of ['rebuild', 'rebuild in two threads', 'verify'] as const) {
    const small = await peakOf(mongo, smaller, what);
    const large = await peakOf(mongo, database, what);
    const ratio = large / small;
    lines.push({
      what: `${what}, peak memory`,
      against: 'that with a tenth of the events',
      ratio: { min: ratio, median: ratio, max: ratio },
      wanted: `flat (≤ ${FLAT})`,
      ok: ratio <= FLAT,
    });
    peaks.push(`${what} ${small} and ${large} MiB`);
  }
  await tenth.db.dropDatabase();
  return {
    lines,
    notes: [
      `Peak memory of a process of its own, with ${Math.ceil(events / 10).toLocaleString('en')} and ` +
        `${events.toLocaleString('en')} events: ${peaks.join('; ')}.`,
    ],
  };
}
