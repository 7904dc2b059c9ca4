/** One way of doing the work, under its name. */
export interface Contender {
  readonly name: string;
  /** Does the work once; returns how many operations that was. */
  run(): Promise<number>;
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

export const REPETITIONS = 5;

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { min: at(0), median: at(Math.floor(sorted.length / 2)), max: at(sorted.length - 1) };
}

/**
 * Runs contenders interleaved, so that what else the machine does hits all alike; the first round only warms up.
 * @returns operations per second of each contender in each repetition.
 */
export async function interleave(
  contenders: readonly Contender[],
  repetitions = REPETITIONS,
): Promise<number[][]> {
  const rates: number[][] = contenders.map(() => []);
  for (let round = 0; round <= repetitions; round++) {
    for (const [index, contender] of contenders.entries()) {
      globalThis.gc?.();
      const started = performance.now();
      const operations = await contender.run();
      const seconds = (performance.now() - started) / 1_000;
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
  repetitions = REPETITIONS,
): Promise<Line[]> {
  const [limitRates = [], ...rates] = await interleave([limit, ...others], repetitions);
  return others.map(({ name, atLeast }, index) => {
    const ratio = ratios(rates[index] ?? [], limitRates);
    return {
      what: name,
      against: limit.name,
      ratio,
      ...(atLeast === undefined ? {} : { wanted: `≥ ${atLeast}`, ok: ratio.median >= atLeast }),
    };
  });
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
