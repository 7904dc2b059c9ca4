import { pause } from './backoff.ts';

/** Holds work down to a rate. */
export interface Pace {
  /** Counts what was done; resolves when more may be. */
  done(count: number): Promise<void>;
}

/** The clock of a pace, in ms, and how it waits. */
export interface PaceClock {
  now(): number;
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

const CLOCK: PaceClock = {
  now: () => performance.now(),
  wait: pause,
};

/**
 * Opens a pace of so many a second. Whatever was not done in time is not made up for: a pause is no credit.
 * @param signal ends waiting at once
 */
export function openPace(perSecond: number, signal: AbortSignal, clock: PaceClock = CLOCK): Pace {
  let freeAt = clock.now();
  return {
    async done(count) {
      freeAt = Math.max(freeAt + (count / perSecond) * 1_000, clock.now());
      await clock.wait(freeAt - clock.now(), signal);
    },
  };
}
