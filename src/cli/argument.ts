import { InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import { parseMoment } from '../eventstore/archive/json-value.ts';
import { complaintOf } from '../eventstore/payload.ts';
import { hasPlainYear } from '../graphql/scalars.ts';

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
/** Ten years: a token for longer than that is a mistake. */
const LONGEST_SECONDS = 3_650 * SECONDS.d;

/** Reads a duration such as `90s`, `15m`, `12h` or `30d`. @returns seconds */
export function duration(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS[unit as keyof typeof SECONDS] ?? 0);
  if (seconds >= 1 && seconds <= LONGEST_SECONDS) return seconds;
  throw new InvalidArgumentError('It must be a duration such as 90s, 15m, 12h or 30d, ten years at most.');
}

/** Reads what a schema allows; commander prints the complaint and exits. */
export function validBy(schema: z.ZodType<string>): (text: string) => string {
  return (text) => {
    const read = schema.safeParse(text);
    if (read.success) return read.data;
    throw new InvalidArgumentError(complaintOf(read.error).message);
  };
}

/** Reads a moment such as 2026-01-05T08:00:00Z, or a day, which begins at midnight in UTC. */
export function momentArgument(text: string): Date {
  const moment = parseMoment(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (moment !== undefined && hasPlainYear(moment)) return moment;
  throw new InvalidArgumentError(
    'It must be a day or a moment in UTC, in the years 0001 to 9999: 2026-01-05 or 2026-01-05T08:00:00Z.',
  );
}
