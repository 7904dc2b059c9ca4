import { setMaxListeners } from 'node:events';

/** A terminal and the program that started us may each pass on the same Ctrl-C. */
const SAME_SIGNAL_MS = 500;

/** Told by Ctrl-C, or by SIGTERM, to come to an end. */
export interface Stop {
  readonly signal: AbortSignal;
  /** Comes to an end without a signal from outside. */
  now(): void;
  /** Listens no more. */
  release(): void;
}

/** Who is told of signals, and can end at once: the process. */
export interface SignalSource {
  on(signal: NodeJS.Signals, heard: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, heard: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): void;
}

/** Listens for the first signal; a second one leaves at once. */
export function stopOnSignal(source: SignalSource): Stop {
  const stop = new AbortController();
  // Everything that waits listens to it.
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
