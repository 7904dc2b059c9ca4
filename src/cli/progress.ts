import { Presets, SingleBar } from 'cli-progress';
import type { Output } from './context.ts';

/** Without a terminal, a line is printed no more often than this. */
const LINE_INTERVAL_MS = 5_000;

/** How far something has come, shown on `stream`. */
export interface ProgressDisplay {
  update(done: number, note: string): void;
  stop(): void;
}

/** A bar on a terminal; elsewhere a plain line now and then, so that a log stays a log. */
export function showProgress(stream: Output, total: number): ProgressDisplay {
  return stream.isTTY ? bar(stream, total) : lines(stream, total);
}

function bar(stream: Output, total: number): ProgressDisplay {
  const format = '{bar} {percentage}% | {note} | {duration_formatted}';
  const shown = new SingleBar({ stream, format, hideCursor: true }, Presets.shades_classic);
  shown.start(total, 0, { note: '' });
  let furthest = 0;
  return {
    update(done, note) {
      // Batches end in any order; a bar that runs backwards is of no use to anyone.
      furthest = Math.max(furthest, done);
      shown.update(furthest, { note });
    },
    stop: () => shown.stop(),
  };
}

function lines(stream: Output, total: number): ProgressDisplay {
  let [furthest, printedAt] = [0, Date.now()];
  return {
    update(done, note) {
      furthest = Math.max(furthest, done);
      if (Date.now() - printedAt < LINE_INTERVAL_MS) return;
      printedAt = Date.now();
      stream.write(`${Math.floor((furthest / Math.max(total, 1)) * 100)}% | ${note}\n`);
    },
    stop: () => {},
  };
}
