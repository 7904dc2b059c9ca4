import { createHash, createHmac, randomBytes } from 'node:crypto';
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { MongoClientOptions } from 'mongodb';
import { makeFirst, PRIVATE, readIfThere } from './first-file.ts';
import { StartupError } from './startup-error.ts';

/**
 * The secret of an own mongod, in a file that only its owner reads. mongod takes it as its key file, which turns on
 * authentication: its internal user `__system` is who knows the key. That user only makes the set a primary and keeps the user
 * that Waybill works as; that one's password follows from the key, so that there is one secret to keep.
 */
export interface MongodKey {
  readonly path: string;
  readonly secret: string;
}

const FILE = 'mongod.key';
const OTHERS = 0o077;
/** As base64 64 characters: of the 6 to 1,024 that a key may have. */
const KEY_BYTES = 48;
const FORM = /^[A-Za-z0-9+/=]{6,1024}$/;

/** Whom Waybill is known as by its own mongod. */
export const OWNER = 'waybill';

/** The key in a folder; undefined where there is none: a mongod from before there were keys asks for nothing. */
export function readKey(folder: string): MongodKey | undefined {
  const path = join(folder, FILE);
  const secret = orUnusable(path, () => readIfThere(path))?.replace(/\s/g, '');
  if (secret === undefined) return undefined;
  if (!FORM.test(secret)) throw unusable(path, 'it holds no key; remove it, and a new one is made');
  return { path, secret };
}

/**
 * The key in a folder, made where there is none. Whoever makes it holds the folder's lock, or has just made the folder.
 * @throws StartupError where it cannot be kept, or others may read it
 */
export function prepareKey(folder: string): MongodKey {
  const key = readKey(folder) ?? makeKey(folder);
  keepPrivate(key.path);
  return key;
}

function makeKey(folder: string): MongodKey {
  const path = join(folder, FILE);
  const secret = randomBytes(KEY_BYTES).toString('base64');
  if (!orUnusable(path, () => makeFirst(path, `${secret}\n`, PRIVATE)))
    throw unusable(path, 'it was made by somebody else at the same time');
  return { path, secret };
}

function orUnusable<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unusable(path, error instanceof Error ? error.message : String(error));
  }
}

function keepPrivate(path: string): void {
  if (process.platform === 'win32' || (statSync(path).mode & OTHERS) === 0) return;
  try {
    chmodSync(path, PRIVATE);
  } catch {
    // Somebody else's file: looked at once more below.
  }
  if ((statSync(path).mode & OTHERS) !== 0)
    throw unusable(path, 'others may read it, and this user may not change that: chmod 600 as its owner');
}

function unusable(path: string, why: string): StartupError {
  return new StartupError(`The key of the own mongod, ${path}, cannot be used: ${why}.`);
}

/** What the driver needs to come in as mongod's internal user. */
export function systemLogin({ secret }: MongodKey): MongoClientOptions {
  return {
    auth: { username: '__system', password: secret },
    authSource: 'local',
    authMechanism: 'SCRAM-SHA-256',
  };
}

/** The password of the user that Waybill works as. */
export function ownerPassword({ secret }: MongodKey): string {
  return createHmac('sha256', secret).update(OWNER).digest('base64url');
}

/** Tells keys apart without telling them. */
export function fingerprint({ secret }: MongodKey): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 16);
}

/** The connection string of an own mongod, with the password where it asks for one: not for logs. */
export function ownUri(
  hosts: readonly string[],
  replicaSet: string | null,
  key: MongodKey | undefined,
): string {
  const login = key === undefined ? '' : `${OWNER}:${ownerPassword(key)}@`;
  const options = [
    ...(replicaSet === null ? [] : [`replicaSet=${replicaSet}`]),
    ...(key === undefined ? [] : ['authSource=admin', 'authMechanism=SCRAM-SHA-256']),
  ];
  return `mongodb://${login}${hosts.join(',')}/${options.length === 0 ? '' : `?${options.join('&')}`}`;
}
