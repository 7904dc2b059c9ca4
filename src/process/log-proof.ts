import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bucketCopies } from '../eventstore/proof/bucket-copies.ts';
import type { CheckpointStore } from '../eventstore/proof/copies.ts';
import { folderCopies } from '../eventstore/proof/folder-copies.ts';
import { KeyError, type Signer, signerOf, type Verifier, verifierOf } from '../eventstore/proof/keys.ts';
import { prepareFolder } from '../mongo/data-folder.ts';
import { makeFirst, PRIVATE, readIfThere } from '../mongo/first-file.ts';
import { StartupError } from '../mongo/startup-error.ts';
import type { Settings } from './settings.ts';

type ProofSettings = Pick<
  Settings,
  | 'dataDir'
  | 'mongodbUri'
  | 'proofKey'
  | 'proofEarlierKeys'
  | 'proofCopies'
  | 'proofCopiesRegion'
  | 'proofCopiesKeyId'
  | 'proofCopiesSecret'
  | 'proofLockDays'
>;

const FILE = 'proof-key.pem';

/**
 * What seals the log: the key that is set or, for an own mongod, one that is made in the data folder.
 * @returns undefined where nothing says which key, and the database is not Waybill's own: then nothing is sealed
 * @throws StartupError for a key that cannot be used
 */
export function proofSigner(settings: ProofSettings): Signer | undefined {
  const { proofKey, mongodbUri, dataDir } = settings;
  if (proofKey !== undefined) return usable('WAYBILL_PROOF_KEY', () => signerOf(proofKey));
  if (mongodbUri !== undefined) return undefined;
  const path = join(dataDir, FILE);
  return usable(path, () => signerOf(keptKey(path) ?? madeKey(dataDir, path)));
}

/** The keys by which checkpoints may be signed: the present one, where there is one, and those from before. */
export function proofVerifiers(settings: ProofSettings): Verifier[] {
  const { proofKey, proofEarlierKeys, mongodbUri, dataDir } = settings;
  const own = mongodbUri === undefined ? keptKey(join(dataDir, FILE)) : undefined;
  const pem = proofKey ?? own;
  const present = pem === undefined ? [] : [usable('WAYBILL_PROOF_KEY', () => signerOf(pem)).verifier];
  const earlier = (proofEarlierKeys ?? '').split(',').filter((text) => text.trim() !== '');
  return [
    ...present,
    ...earlier.map((text) => usable('WAYBILL_PROOF_EARLIER_KEYS', () => verifierOf(text.trim()))),
  ];
}

/** Where checkpoints are kept besides. @throws StartupError where what a bucket needs is not set */
export function proofCopies(settings: ProofSettings): CheckpointStore | undefined {
  const { proofCopies: url, proofCopiesRegion: region, proofCopiesKeyId, proofCopiesSecret } = settings;
  if (url === undefined) return undefined;
  if (url.protocol === 'file:') return folderCopies(fileURLToPath(url));
  if (proofCopiesKeyId === undefined || proofCopiesSecret === undefined)
    throw new StartupError(
      'WAYBILL_PROOF_COPIES names a bucket: set WAYBILL_PROOF_COPIES_KEY_ID and WAYBILL_PROOF_COPIES_SECRET, too.',
    );
  const { proofLockDays: lockDays } = settings;
  return bucketCopies({ url, region, keyId: proofCopiesKeyId, secret: proofCopiesSecret, lockDays });
}

function keptKey(path: string): string | undefined {
  try {
    return readIfThere(path);
  } catch (error) {
    throw new StartupError(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

/** Of several processes the first one's stands. */
function madeKey(dataDir: string, path: string): string {
  prepareFolder(dataDir);
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  makeFirst(path, pem, PRIVATE);
  return readFileSync(path, 'utf8');
}

function usable<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof KeyError) throw new StartupError(`${name} ${error.message}.`);
    throw error;
  }
}
