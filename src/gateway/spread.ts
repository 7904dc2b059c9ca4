import { setTimeout as pause } from 'node:timers/promises';

/** Between two of them where there is time enough, in ms: a hundred a second come back to where others are served. */
const GAP_MS = 10;

/**
 * Does things one after the other at an even pace, the first at once: whom they send away does not come back in one instant.
 * @param withinMs the longest it may take; with many things the pace is faster
 */
export async function spread(things: readonly (() => void)[], withinMs: number): Promise<void> {
  const gapMs = Math.min(GAP_MS, withinMs / Math.max(1, things.length));
  const began = performance.now();
  for (const [index, thing] of things.entries()) {
    const waitMs = began + index * gapMs - performance.now();
    // Timers are not that fine: several may be due at once.
    if (waitMs >= 1) await pause(waitMs);
    thing();
  }
}
