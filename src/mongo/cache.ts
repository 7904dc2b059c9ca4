import { constants } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder for binaries that every project of this user shares; WAYBILL_CACHE or the XDG base directory moves it. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env.WAYBILL_CACHE) return env.WAYBILL_CACHE;
  if (process.platform === 'win32' && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, 'waybill', 'cache');
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'waybill');
}

/** Where the mongod of one version for this kind of machine is kept. */
export function cachedMongod(root: string, version: string): string {
  const name = process.platform === 'win32' ? 'mongod.exe' : 'mongod';
  return join(root, 'mongod', `${version}-${process.platform}-${process.arch}`, name);
}

/** True if the file is there and may be run. */
export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Lets `fetch` make a file in a folder of its own beside the target, then renames it into place. A rename is atomic:
 * nobody ever sees half a binary, and of two processes that download at once the later one replaces equal by equal.
 */
export async function install(target: string, fetch: (folder: string) => Promise<string>): Promise<string> {
  const shelf = join(target, '..');
  await mkdir(shelf, { recursive: true });
  const folder = await mkdtemp(join(shelf, '.download-'));
  try {
    const file = await fetch(folder);
    await chmod(file, 0o755);
    await rename(file, target);
    return target;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
