import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { prepareFolder } from '../mongo/data-folder.ts';
import { makeFirst, PRIVATE, readIfThere } from '../mongo/first-file.ts';
import { StartupError } from '../mongo/startup-error.ts';
import { KEY_BYTES } from '../personal/cipher.ts';
import { type KeyService, localKeyService } from '../personal/key-service.ts';
import { fileLedger, type Ledger } from '../personal/ledger.ts';
import { vaultKeyService } from '../personal/vault-key-service.ts';

/** What the settings say about keys of personal data. */
export interface PersonalSettings {
  readonly dataDir: string;
  readonly personalKey: string | undefined;
  readonly personalKeyPrevious: string | undefined;
  readonly vaultKeyUrl: URL | undefined;
  readonly vaultToken: string | undefined;
  readonly erasureLedger: string | undefined;
}

const FILE = 'personal-key';

/** The key service that the settings name: a vault, a key in the environment, or a key in the data folder. */
export function keyServiceOf(settings: PersonalSettings): KeyService {
  const { dataDir, personalKey, personalKeyPrevious, vaultKeyUrl: url, vaultToken: token } = settings;
  if (url !== undefined) {
    if (token === undefined) throw new StartupError('WAYBILL_VAULT_KEY_URL needs WAYBILL_VAULT_TOKEN.');
    return vaultKeyService({ url, token });
  }
  const previous =
    personalKeyPrevious === undefined ? [] : [keyOf('WAYBILL_PERSONAL_KEY_PREVIOUS', personalKeyPrevious)];
  if (personalKey !== undefined)
    return localKeyService([keyOf('WAYBILL_PERSONAL_KEY', personalKey), ...previous]);
  return inDataFolder(dataDir, previous);
}

/** The ledger of erasures: in the data folder unless the settings name another place. */
export function ledgerOf({ dataDir, erasureLedger }: PersonalSettings): Ledger {
  return fileLedger(erasureLedger ?? join(dataDir, 'erasures.jsonl'));
}

/** The key is made when the first is wrapped, and never where one is to be unwrapped: a new one would be of no use. */
function inDataFolder(dataDir: string, previous: readonly Buffer[]): KeyService {
  const path = join(dataDir, FILE);
  const service = (make: boolean): KeyService => {
    const text = keptKey(path) ?? (make ? makeKey(dataDir, path) : undefined);
    if (text === undefined)
      throw new StartupError(
        `There is personal data, and no ${path} that its keys are wrapped by: put it back, or set WAYBILL_PERSONAL_KEY.`,
      );
    return localKeyService([keyOf(path, text), ...previous]);
  };
  return {
    wrap: async (purpose, key) => service(true).wrap(purpose, key),
    unwrap: async (purpose, wrapped) => service(false).unwrap(purpose, wrapped),
  };
}

function keyOf(name: string, text: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_BYTES)
    throw new StartupError(
      `${name} must be ${KEY_BYTES} random bytes in Base64: \`openssl rand -base64 32\`.`,
    );
  return key;
}

function keptKey(path: string): string | undefined {
  try {
    return readIfThere(path);
  } catch (error) {
    throw new StartupError(`${path} cannot be read (${String(error)}).`);
  }
}

/** Of several processes the first one's stands. */
function makeKey(dataDir: string, path: string): string | undefined {
  prepareFolder(dataDir);
  makeFirst(path, `${randomBytes(KEY_BYTES).toString('base64')}\n`, PRIVATE);
  return keptKey(path);
}
