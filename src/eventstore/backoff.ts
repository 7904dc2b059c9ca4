const FIRST_MS = 50;
const LONGEST_MS = 2_000;

/**
 * Waits before the next try: 50 ms, then twice as long each time up to 2 s, less up to a quarter by chance, so that
 * many processes do not come back at the same moment.
 * @param failures how many tries have failed before this one
 * @param cancellable is handed a function that ends the wait at once
 */
export function backoff(failures: number, cancellable: (cancel: () => void) => void): Promise<void> {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return pause(longest * (0.75 + Math.random() / 4), cancellable);
}

/** Waits so many milliseconds, or until it is cancelled. */
export function pause(ms: number, cancellable: (cancel: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    cancellable(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/**
 * Tries until it succeeds, with a bounded wait between.
 * @returns what it gave, or undefined once `stopped()`
 */
export async function insist<T>(
  attempt: () => Promise<T>,
  stopped: () => boolean,
  onFailure: (error: unknown) => void,
): Promise<T | undefined> {
  for (let failures = 0; !stopped(); failures++) {
    try {
      return await attempt();
    } catch (error) {
      onFailure(error);
      await backoff(failures, () => undefined);
    }
  }
  return undefined;
}
