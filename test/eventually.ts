import { vi } from 'vitest';

/** Far longer than anything takes on a machine that is busy with other things; who waits ends as soon as it may. */
export const LONG_MS = 60_000;

export interface Wait {
  /** Between two looks. */
  readonly lookMs?: number;
  /** For what is promised in a time: longer than that is a failure. */
  readonly withinMs?: number;
}

/**
 * Waits until a check no longer throws. @returns what it gives then
 * @throws what the check threw last, where it goes on throwing
 */
export function eventually<T>(
  check: () => T | Promise<T>,
  { lookMs = 20, withinMs = LONG_MS }: Wait = {},
): Promise<T> {
  return vi.waitFor(check, { timeout: withinMs, interval: lookMs });
}

/** As `eventually`, for what is waited for to be true. */
export async function untilTrue(look: () => unknown, { lookMs = 20 }: Wait = {}): Promise<void> {
  await vi.waitUntil(look, { timeout: LONG_MS, interval: lookMs });
}
