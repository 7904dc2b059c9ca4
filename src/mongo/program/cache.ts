import { constants } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder for binaries, shared by all projects of this user, by the XDG base directory specification. */
export function defaultCacheDir(xdgCacheHome?: string): string {
  return join(xdgCacheHome || join(homedir(), '.cache'), 'waybill');
}

const DOWNLOAD_PREFIX = '.download-';
const STALE_MS = 60 * 60_000;

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
  const parent = join(target, '..');
  await mkdir(parent, { recursive: true });
  await removeStaleDownloads(parent);
  const folder = await mkdtemp(join(parent, DOWNLOAD_PREFIX));
  try {
    const file = await fetch(folder);
    await chmod(file, 0o755);
    await rename(file, target);
    return target;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes what processes that were killed while downloading have left: nothing that is still growing is that old. */
async function removeStaleDownloads(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(DOWNLOAD_PREFIX)) continue;
    const folder = join(parent, name);
    const age =
      Date.now() -
      (await stat(folder)
        .then((found) => found.mtimeMs)
        .catch(() => Date.now()));
    if (age > STALE_MS) await rm(folder, { recursive: true, force: true });
  }
}
