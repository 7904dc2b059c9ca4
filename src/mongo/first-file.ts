import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** The owner may read and write; nobody else may anything. */
export const PRIVATE = 0o600;

/**
 * Makes a file that appears whole under its name or not at all, by a link. Of several processes the first one's stands.
 * @returns false where there is a file of this name already, which stays as it is
 * @throws what the file system throws
 */
export function makeFirst(path: string, text: string, mode?: number): boolean {
  const draft = `${path}.${randomUUID()}`;
  try {
    writeFileSync(draft, text, { flag: 'wx', ...(mode === undefined ? {} : { mode }) });
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** True for an error of the system's by this name: `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** What a file holds; undefined where there is none. @throws what the file system throws */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
