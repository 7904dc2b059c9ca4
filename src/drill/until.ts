import { setTimeout as pause } from 'node:timers/promises';

export interface Patience {
  /** How long the condition may take; a minute if absent. */
  readonly limitMs?: number;
  /** Between two looks at it. */
  readonly everyMs?: number;
  /** A figure that shows progress: whenever it changes, the time begins anew. */
  readonly progress?: () => number;
  readonly signal?: AbortSignal;
}

const LIMIT_MS = 60_000;
const EVERY_MS = 50;

/**
 * Waits until a condition holds.
 * @returns false where it did not come to hold in time
 * @throws the signal's reason where the drill is stopped meanwhile
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { limitMs = LIMIT_MS, everyMs = EVERY_MS, progress, signal }: Patience = {},
): Promise<boolean> {
  let [before, since] = [progress?.(), performance.now()];
  while (!(await condition())) {
    const now = progress?.();
    if (now !== before) [before, since] = [now, performance.now()];
    if (performance.now() - since > limitMs) return false;
    signal?.throwIfAborted();
    await pause(everyMs);
  }
  return true;
}
