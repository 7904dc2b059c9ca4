import type { Signal } from '../../changes.ts';

/** How far a stream is behind what is committed. */
export interface Level {
  /** A reply of the stream has been passed on. */
  told(signal: Extract<Signal, { kind: 'changes' }>): void;
  /** How long ago what it has passed on last was committed, or nothing was left to pass on, in ms; 0 while it keeps up. */
  lagMs(): number;
  /** Resolves when the next reply has been passed on, or the stream is closed. */
  next(): Promise<void>;
  close(): void;
}

/** An idle stream is heard of every second; twice that is no lag. */
const PACE_MS = 2_000;

export function openLevel(): Level {
  let levelAt = Date.now();
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };
  return {
    told({ changes }) {
      levelAt = changes.at(-1)?.committedAt.getTime() ?? Date.now();
      wake();
    },
    lagMs() {
      const ms = Date.now() - levelAt;
      return ms > PACE_MS ? ms : 0;
    },
    next: () => new Promise((resolve) => void waiting.push(resolve)),
    close: wake,
  };
}
