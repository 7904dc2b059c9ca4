import { type Line, type Plan, quantile, ratios } from './measure.ts';

/** One way of doing something, which is timed each time. */
export interface TimedWay {
  readonly name: string;
  run(): Promise<unknown>;
}

/** Milliseconds, by way, by round. */
export type Times = readonly (readonly (readonly number[])[])[];

/** Times ways by turns, one at a time, so that what else the machine does hits all alike; the first round only warms up. */
export async function timeWays(
  ways: readonly TimedWay[],
  { repetitions }: Plan,
  operations: number,
): Promise<Times> {
  const times: number[][][] = ways.map(() => []);
  for (let round = 0; round <= repetitions; round++) {
    const samples: number[][] = ways.map(() => []);
    globalThis.gc?.();
    for (let operation = 0; operation < operations; operation++) {
      for (const [index, way] of ways.entries()) {
        const started = performance.now();
        await way.run();
        samples[index]?.push(performance.now() - started);
      }
    }
    if (round > 0) for (const [index, some] of samples.entries()) times[index]?.push(some);
  }
  return times;
}

/** A quantile of one way's times beside the limit's, round by round; wanted only where `atMost` is given. */
export function timeLine(
  what: string,
  against: string,
  [own = [], limit = []]: Times,
  fraction: number,
  atMost?: number,
): Line {
  const at = (rounds: Times[number]): number[] => rounds.map((samples) => quantile(samples, fraction));
  const ratio = ratios(at(own), at(limit));
  const line = { what: `${what}, p${fraction * 100} of the time`, against, ratio };
  return atMost === undefined ? line : { ...line, wanted: `≤ ${atMost}`, ok: ratio.median <= atMost };
}

/** The times themselves. */
export function timeNote(name: string, rounds: Times[number] = []): string {
  const all = rounds.flat();
  return `${name}, p50 / p99: ${quantile(all, 0.5).toFixed(2)} / ${quantile(all, 0.99).toFixed(2)} ms.`;
}
