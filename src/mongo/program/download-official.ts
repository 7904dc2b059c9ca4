import { spawn } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { cachedMongod, install } from './cache.ts';
import { startProgress } from './progress.ts';

/**
 * The release taken from MongoDB itself. 8.0 is the oldest line built for all current distributions (Debian 12 wants
 * 7.0.3 or newer, Ubuntu 24.04 wants 8.0) and supported until 2029.
 */
export const OFFICIAL_VERSION = '8.0.12';

/** Until the first byte: a closed network often swallows packets without an answer. */
const FIRST_BYTE_MS = 12_000;
/** Between two progress lines, which come every 2 s while bytes flow. */
const STALL_MS = 45_000;

const PROGRESS = /(\d+(?:\.\d+)?)%/g;

/**
 * What the child process runs. mongodb-memory-server-core writes to the console, has time limits of its own and may
 * leave sockets open: in a process of its own it can be silenced, and ended at any time.
 */
const SCRIPT = `
  const [library, version, folder, settings] = process.argv.slice(1);
  Object.assign(process.env, JSON.parse(settings));
  const { MongoBinary } = require(library);
  MongoBinary.getPath({ version, downloadDir: folder }).then(
    (path) => { require('node:fs').writeFileSync(folder + '/found', path); process.exit(0); },
    (error) => { process.stderr.write('\\n' + error.message); process.exit(1); },
  );
`;

/**
 * Downloads MongoDB's own build for this system into the cache and returns its path.
 * @throws Error with a plain sentence when there is no build for this system or the download cannot be reached
 */
export async function downloadOfficial(root: string, log: Logger): Promise<string> {
  return install(cachedMongod(root, OFFICIAL_VERSION), async (folder) => {
    const progress = startProgress(log, `Downloading MongoDB ${OFFICIAL_VERSION} (once)`);
    try {
      await download(folder, (share) => progress.at(share));
    } finally {
      progress.end();
    }
    const found = await readFile(join(folder, 'found'), 'utf8');
    if (found.startsWith(folder)) return found;
    // The library knew of one in a cache of its own: that one stays where it is.
    const copy = join(folder, 'mongod');
    await copyFile(found, copy);
    return copy;
  });
}

async function download(folder: string, report: (share: number) => void): Promise<void> {
  const settings = { ...LIBRARY_SETTINGS, ...(await otherDistribution()), MONGOMS_DOWNLOAD_DIR: folder };
  const library = createRequire(import.meta.url).resolve('mongodb-memory-server-core');
  const child = spawn(
    process.execPath,
    ['-e', SCRIPT, library, OFFICIAL_VERSION, folder, JSON.stringify(settings)],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      child.kill('SIGKILL');
      reject(new Error('the download cannot be reached from here (no answer)'));
    };
    let timer = setTimeout(giveUp, FIRST_BYTE_MS);
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, STALL_MS);
      const percent = [...chunk.toString().matchAll(PROGRESS)].at(-1)?.[1];
      if (percent !== undefined) report(Number(percent) / 100);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else reject(new Error(explain(stderr)));
    });
  });
}

const LIBRARY_SETTINGS = {
  // Without this the library accepts any certificate, and its checksum comes from the same server.
  npm_config_strict_ssl: 'true',
  MONGOMS_MD5_CHECK: 'true',
  MONGOMS_MAX_RETRIES: '1',
  MONGOMS_PREFER_GLOBAL_PATH: 'false',
};

/** There is no build for Debian on ARM (containers on Apple machines); the one for Ubuntu 22.04 needs the same libraries. */
async function otherDistribution(): Promise<Record<string, string>> {
  if (process.platform !== 'linux' || process.arch !== 'arm64') return {};
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID=debian$/m.test(release) ? { MONGOMS_DISTRO: 'ubuntu-22.04' } : {};
}

function explain(stderr: string): string {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ECONNRESET/.test(stderr)) {
    return 'the download cannot be reached from here';
  }
  if (/Status: 403|Status Code is 403|[Uu]nsupported|no official build/.test(stderr)) {
    return 'there is no build of it for this system';
  }
  const lines = stderr.trim().split('\n');
  return lines.findLast((line) => line.trim() !== '')?.trim() ?? 'the download failed';
}
