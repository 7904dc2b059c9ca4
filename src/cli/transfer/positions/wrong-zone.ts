import type { FileFix } from './fix.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Clocks of devices and of this machine differ by less. */
const SURELY_AHEAD_MS = 10 * MINUTE_MS;
/** Zones differ by no more; what is further ahead is a broken clock. */
const MOST_OF_ZONES_MS = 26 * HOUR_MS;
/** One in so many fixes of a batch may come from the future, by clocks that are wrong. */
const ONE_IN = 10;

/**
 * Why a batch had better not be sent: many of its fixes lie in the future by what zones differ, so the others of them are wrong
 * by as much, and would be recorded.
 * @returns a sentence; undefined where nothing speaks against the batch
 */
export function fromAnotherZone(fixes: readonly FileFix[], now: number): string | undefined {
  const ahead = fixes
    .map(({ occurredAt }) => Date.parse(occurredAt) - now)
    .filter((ms) => ms > SURELY_AHEAD_MS && ms <= MOST_OF_ZONES_MS);
  if (ahead.length === 0 || ahead.length * ONE_IN < fixes.length) return undefined;
  const most = ahead.reduce((a, b) => Math.max(a, b));
  const hours = (most / HOUR_MS).toFixed(1);
  return (
    `${ahead.length} of ${fixes.length} fixes lie in the future, by up to ${hours} hours: their zone is likely another one ` +
    'than the file or --zone says. These are not sent.'
  );
}
