import { accessSync, chmodSync, constants, mkdirSync, readdirSync, statSync } from 'node:fs';
import { StartupError } from './startup-error.ts';

/** The owner may do everything; nobody else may even look. */
const PRIVATE = 0o700;
const OTHERS = 0o077;
/** By these a folder is known as Waybill's own, and not as one that other things live in too. */
const OURS: ReadonlySet<string> = new Set([
  'mongod',
  'mongod.json',
  'mongod.key',
  'gateway.lock',
  'dev-secret',
]);

/**
 * Makes the data folder if need be, for its owner alone. One that is there already, with Waybill's files or none, is closed to
 * others where this user may do that; each secret in it is a private file besides.
 * @throws StartupError if it cannot be written to
 */
export function prepareFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: PRIVATE });
    accessSync(dataDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    throw new StartupError(
      `The data folder ${dataDir} cannot be written to${why}. Check who owns it, or point WAYBILL_DATA elsewhere.`,
    );
  }
  closeToOthers(dataDir);
}

function closeToOthers(dataDir: string): void {
  if (process.platform === 'win32' || (statSync(dataDir).mode & OTHERS) === 0) return;
  try {
    const files = readdirSync(dataDir);
    if (files.length === 0 || files.some((file) => OURS.has(file))) chmodSync(dataDir, PRIVATE);
  } catch {
    // It belongs to another user, as in a container that is given its folder by group.
  }
}
