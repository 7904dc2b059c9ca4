import { Session } from 'node:inspector/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const SRC = resolve(import.meta.dirname, '../../src');

/** Tells which files of `src` run in this process while something is done. */
export interface FilesRun {
  /** Paths as from `src` of the files of which a function was called during `work`, timers' included. */
  during(work: () => Promise<unknown>): Promise<ReadonlySet<string>>;
  close(): Promise<void>;
}

/** Counts the calls of functions by V8's precise coverage. The caller closes it. */
export async function openFilesRun(): Promise<FilesRun> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

  /** Those that ran since the last look. */
  const look = async (): Promise<Set<string>> => {
    const { result } = await session.post('Profiler.takePreciseCoverage');
    const files = new Set<string>();
    for (const { url, functions } of result) {
      const path = url.startsWith('file:') ? fileURLToPath(url) : url;
      const ran = functions.some(({ ranges: [whole] }) => whole !== undefined && whole.count > 0);
      if (ran && path.startsWith(SRC)) files.add(path.slice(SRC.length + 1));
    }
    return files;
  };

  return {
    async during(work) {
      await look();
      await work();
      return look();
    },
    async close() {
      await session.post('Profiler.stopPreciseCoverage');
      session.disconnect();
    },
  };
}
