import { createHash } from 'node:crypto';
import { KEY_BYTES, unwrapKey, wrapKey } from './cipher.ts';

/**
 * Who keeps the outermost key: the keys of tenants are stored only as this wraps them. A vault, a file or the environment.
 */
export interface KeyService {
  /** @param purpose what the key is for; it has to be the same when it is unwrapped */
  wrap(purpose: string, key: Buffer): Promise<string>;
  /** @throws where it cannot be unwrapped, or the service does not answer */
  unwrap(purpose: string, wrapped: string): Promise<Buffer>;
}

/** A key service on keys that this process holds: the first wraps, and all of them unwrap. */
export function localKeyService(keys: readonly [Buffer, ...Buffer[]]): KeyService {
  for (const key of keys)
    if (key.length !== KEY_BYTES) throw new Error(`A key has ${KEY_BYTES} bytes, not ${key.length}.`);
  const byName = new Map(keys.map((key) => [nameOf(key), key]));
  const [newest] = keys;
  return {
    wrap: async (purpose, key) => `${nameOf(newest)}.${wrapKey(newest, purpose, key)}`,
    async unwrap(purpose, wrapped) {
      const [name = '', rest = ''] = wrapped.split('.');
      const key = byName.get(name);
      if (key === undefined)
        throw new KeyServiceError(
          `The key ${name}, which wraps keys of tenants, is not given: name it by WAYBILL_PERSONAL_KEY or, after a rotation, WAYBILL_PERSONAL_KEY_PREVIOUS.`,
        );
      return unwrapKey(key, purpose, rest);
    },
  };
}

/** What the operator has to put right. */
export class KeyServiceError extends Error {
  override readonly name = 'KeyServiceError';
}

/** Tells keys apart, and nothing about them. */
function nameOf(key: Buffer): string {
  return createHash('sha256').update('waybill key name').update(key).digest('hex').slice(0, 12);
}
