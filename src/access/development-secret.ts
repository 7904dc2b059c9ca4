import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { prepareFolder } from '../mongo/data-folder.ts';
import { makeFirst, PRIVATE, readIfThere } from '../mongo/first-file.ts';
import { StartupError } from '../mongo/startup-error.ts';
import { MIN_SECRET_BYTES } from './token.ts';

const FILE = 'dev-secret';

/**
 * The secret that signs tokens in development mode, for the gateway: made once, then kept in the data folder, where `waybill
 * token` finds it. Safe with several processes at once: the file appears whole under its name or not at all, and the first
 * one wins.
 * @param dataDir the data folder; made where it is missing
 * @param onMade told where the secret is, if it was made just now
 * @throws StartupError where the folder can't be used, or something else stands under the secret's name
 */
export async function developmentSecret(
  dataDir: string,
  onMade: (path: string) => void = () => undefined,
): Promise<string> {
  const path = join(dataDir, FILE);
  const kept = keptSecret(path);
  if (kept !== undefined) return kept;

  prepareFolder(dataDir);
  try {
    if (makeFirst(path, `${randomBytes(MIN_SECRET_BYTES).toString('base64url')}\n`, PRIVATE)) onMade(path);
  } catch (error) {
    throw unusable(dataDir, error);
  }
  const secret = keptSecret(path);
  if (secret === undefined) throw new StartupError(`${path} was removed while it was being made.`);
  return secret;
}

/**
 * The secret that the gateway of this data folder made, for whoever signs tokens for it.
 * @throws StartupError where there is none: a new one would be good for no gateway, and lie about in any folder
 */
export async function secretOfGateway(dataDir: string): Promise<string> {
  const secret = keptSecret(join(dataDir, FILE));
  if (secret !== undefined) return secret;
  throw new StartupError(
    `${resolve(dataDir)} is no data folder of a gateway in development mode: there is no ${FILE}. Start the gateway first, ` +
      'call this in the folder where it was started, or name its data folder by WAYBILL_DATA.',
  );
}

/** A file that is too short to be a secret was not made by Waybill: it is refused, never used. */
function keptSecret(path: string): string | undefined {
  let secret: string | undefined;
  try {
    secret = readIfThere(path)?.trim();
  } catch (error) {
    throw unusable(path, error);
  }
  if (secret === undefined) return undefined;
  if (Buffer.byteLength(secret) < MIN_SECRET_BYTES)
    throw new StartupError(`${path} holds no usable secret: remove it, and a new one is made.`);
  return secret;
}

function unusable(path: string, error: unknown): StartupError {
  const why = error instanceof Error ? error.message : String(error);
  return new StartupError(
    `The development secret cannot be kept in ${path} (${why}); WAYBILL_DATA names another folder.`,
  );
}
