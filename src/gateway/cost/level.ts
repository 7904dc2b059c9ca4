import type { Logger } from 'pino';
import type { RateUse } from '../../access/rate-use.ts';
import { repeat } from '../../eventstore/backoff.ts';
import type { Rates } from './rates.ts';

/** How often processes tell each other what callers used, in ms. */
const EVERY_MS = 1_000;
/** Of a caller who uses less than this part of its rate here, the other processes are not told: with up to so many, it stays within. */
const PROCESSES = 16;
/** After how many times what nobody uses any more is looked for. */
const TIDY_EVERY = 600;

/**
 * Tells the other processes what callers used of their rates here, and takes what they used there: once, for those who use a
 * notable part. Nobody's request waits for that, and each process goes on by itself while the database is away.
 */
export async function levelOnce(rates: Rates, use: RateUse, seconds = EVERY_MS / 1_000): Promise<void> {
  rates.forgetIdle();
  const told = new Map<string, number>();
  for (const [key, bucket] of rates.buckets) {
    const taken = bucket.taken(PROCESSES, seconds);
    if (taken === undefined) bucket.settle();
    else told.set(key, taken);
  }
  if (told.size === 0) return;
  const everywhere = await use.add(told);
  for (const [key, points] of everywhere) rates.buckets.get(key)?.heard(points, told.get(key) ?? 0);
}

/** Does so every second. @returns stops, and waits for the one under way */
export function levelRates(rates: Rates, use: RateUse, log: Logger): () => Promise<void> {
  const stopping = new AbortController();
  let round = 0;
  const level = async (): Promise<void> => {
    await levelOnce(rates, use);
    if (round++ % TIDY_EVERY === 0) await use.tidy();
  };
  const levelling = repeat(level, EVERY_MS, stopping.signal, (error) =>
    log.debug({ err: error }, 'what callers used could not be told to other processes'),
  );
  return async () => {
    stopping.abort();
    await levelling;
  };
}
