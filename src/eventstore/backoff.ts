import { setImmediate as nextTurn } from 'node:timers/promises';

const FIRST_MS = 50;
const LONGEST_MS = 2_000;

/** When to try again, how often, and until when. */
export interface RetryOptions {
  /** True where trying again may help. It may log the error, or undo what the try has begun. */
  readonly when: (error: unknown, failures: number) => boolean | Promise<boolean>;
  /** Tries after the first, at most; any number unless given. */
  readonly tries?: number;
  /** Ends the tries; a wait between two of them at once. */
  readonly signal?: AbortSignal;
}

/**
 * Tries until it succeeds, and waits between (`backoff`).
 * @param attempt is told how many tries have failed before
 * @returns what it gave; undefined once `signal` is aborted
 * @throws the last error, where another try cannot help or there were enough
 */
export function retry<T>(
  attempt: (failures: number) => Promise<T>,
  options: RetryOptions & { readonly signal?: undefined },
): Promise<T>;
export function retry<T>(
  attempt: (failures: number) => Promise<T>,
  options: RetryOptions,
): Promise<T | undefined>;
export async function retry<T>(
  attempt: (failures: number) => Promise<T>,
  { when, tries = Number.POSITIVE_INFINITY, signal }: RetryOptions,
): Promise<T | undefined> {
  for (let failures = 0; signal?.aborted !== true; failures++) {
    try {
      return await attempt(failures);
    } catch (error) {
      if (failures >= tries || !(await when(error, failures))) throw error;
      await backoff(failures, signal);
    }
  }
  return undefined;
}

/**
 * Waits before the next try: 50 ms, then twice as long each time up to 2 s, less up to a quarter by chance, so that
 * many processes do not come back at the same moment.
 * @param failures how many tries have failed before this one
 * @param signal ends the wait at once
 */
export function backoff(failures: number, signal?: AbortSignal): Promise<void> {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return pause(longest * (0.75 + Math.random() / 4), signal);
}

/**
 * Does something again and again until `signal` is aborted, with a pause between. What fails is tried again after the pause.
 * @param onFailure told of each failure; it must not throw
 * @returns resolves when the last one has ended, and never rejects
 */
export async function repeat(
  work: () => Promise<void>,
  everyMs: number,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
    } catch (error) {
      onFailure(error);
    }
    await pause(everyMs, signal);
  }
}

/** Waits so many milliseconds, or until `signal` is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
  });
}

let pending: Promise<void> | undefined;

/**
 * Resolves in the next turn of the event loop, for all who wait for it: what is ready now can gather until then. No
 * timer, and no wait beyond what the loop has to do anyway.
 */
export function turn(): Promise<void> {
  pending ??= nextTurn().then(() => {
    pending = undefined;
  });
  return pending;
}
