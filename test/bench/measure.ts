/** One way of doing the work, under its name. */
export interface Contender {
  readonly name: string;
  /** Makes what the next run needs; not timed. */
  prepare?(): Promise<void> | void;
  /** Does the work once; returns how many operations that was. */
  run(): Promise<number>;
  /** The clock by which it is measured, in s: that of the wall unless given. */
  clock?(): Promise<number>;
  /** Waits for what the run has left behind, so that no other pays for it; not timed. */
  settle?(): Promise<void>;
}

/** How much is measured, and how often. */
export interface Plan {
  readonly repetitions: number;
  /** Multiplies every suite's number of operations; 1 is what the table of docs/benchmarks.md is made with. */
  readonly scale: number;
}

/** What a suite found. */
export interface Findings {
  readonly lines: readonly Line[];
  /** What no ratio tells. */
  readonly notes?: readonly string[];
}

/** min, median and max of a contender's repetitions. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export interface Line {
  readonly what: string;
  /** The contender that is the limit. */
  readonly against: string;
  /** How many times the limit's rate; above 1 is faster. */
  readonly ratio: Spread;
  /** What the issue asks for, where it asks for something. */
  readonly wanted?: string;
  readonly ok?: boolean;
}

/** A number of operations as the plan scales it. */
export function scaled({ scale }: Plan, operations: number, least = 1): number {
  return Math.max(least, Math.round(operations * scale));
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { min: at(0), median: at(Math.floor(sorted.length / 2)), max: at(sorted.length - 1) };
}

/** The nearest-rank quantile: the smallest value that `fraction` of all values do not exceed. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN;
}

/**
 * Runs contenders interleaved, so that what else the machine does hits all alike; the first round only warms up.
 * @returns operations per second of each contender in each repetition.
 */
export async function interleave(
  contenders: readonly Contender[],
  { repetitions }: Plan,
): Promise<number[][]> {
  const rates: number[][] = contenders.map(() => []);
  for (let round = 0; round <= repetitions; round++) {
    for (const [index, contender] of contenders.entries()) {
      await contender.prepare?.();
      globalThis.gc?.();
      const clock = async () => contender.clock?.() ?? performance.now() / 1_000;
      const started = await clock();
      const operations = await contender.run();
      const seconds = (await clock()) - started;
      await contender.settle?.();
      if (round > 0) rates[index]?.push(operations / seconds);
    }
  }
  return rates;
}

/** Ratios of one contender's repetitions to the limit's of the same round. */
export function ratios(rates: readonly number[], limit: readonly number[]): Spread {
  return spread(rates.map((rate, round) => rate / (limit[round] ?? Number.NaN)));
}

/** Compares every contender but the first with the first, in one table section. */
export async function compare(
  limit: Contender,
  others: readonly (Contender & { readonly atLeast?: number })[],
  plan: Plan,
): Promise<Line[]> {
  const [limitRates = [], ...rates] = await interleave([limit, ...others], plan);
  return others.map(({ name, atLeast }, index) =>
    lineOf(name, limit.name, ratios(rates[index] ?? [], limitRates), atLeast),
  );
}

/** A line of the table, with its verdict where something is wanted. */
export function lineOf(what: string, against: string, ratio: Spread, atLeast?: number): Line {
  if (atLeast === undefined) return { what, against, ratio };
  return { what, against, ratio, wanted: `≥ ${atLeast}`, ok: ratio.median >= atLeast };
}

/** A closed loop: `concurrency` workers, each starting the next operation when its last has ended. */
export async function closedLoop(
  operations: number,
  concurrency: number,
  operation: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < operations) await operation(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return operations;
}
