import { setMaxListeners } from 'node:events';

/** A terminal and the program that started us may each pass on the same Ctrl-C. */
const SAME_SIGNAL_MS = 500;

/** How a process learns that it is to stop. */
export interface StopSignal {
  /** Aborted by the first SIGINT (Ctrl-C) or SIGTERM, or by `now`. */
  readonly signal: AbortSignal;
  /** Stops without a signal from outside. */
  now(): void;
  /** Listens to signals no more. */
  release(): void;
}

/** What this needs of the process. */
export interface SignalSource {
  on(signal: NodeJS.Signals, heard: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, heard: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): void;
}

/** Listens for the first signal to stop; a second one ends the process at once, with exit code 130. */
export function stopOnSignal(source: SignalSource): StopSignal {
  const stop = new AbortController();
  // Any number of waits listen to it, which is no leak.
  setMaxListeners(0, stop.signal);
  let heardAt = 0;
  const heard = (): void => {
    if (stop.signal.aborted && performance.now() - heardAt > SAME_SIGNAL_MS) source.exit(130);
    if (!stop.signal.aborted) heardAt = performance.now();
    stop.abort();
  };
  source.on('SIGINT', heard);
  source.on('SIGTERM', heard);
  return {
    signal: stop.signal,
    now: () => stop.abort(),
    release: () => {
      source.off('SIGINT', heard);
      source.off('SIGTERM', heard);
    },
  };
}
