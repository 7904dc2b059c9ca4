import { statSync } from 'node:fs';

/** How often files are looked at, in ms. Links that are put elsewhere, as orchestrators do, tell no watcher of file systems. */
const LOOK_MS = 1_000;

/**
 * Calls `onChange` when one of these files has become another: its content was written, or its name leads to another file.
 * @returns how to stop looking
 */
export function watchFiles(paths: readonly string[], onChange: () => void, everyMs = LOOK_MS): () => void {
  let before = paths.map(markOf).join();
  const timer = setInterval(() => {
    const now = paths.map(markOf).join();
    if (now === before) return;
    before = now;
    onChange();
  }, everyMs).unref();
  return () => clearInterval(timer);
}

/** Changes whenever the file does. */
function markOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? '-' : `${found.ino}/${found.size}/${found.mtimeNs}`;
}
