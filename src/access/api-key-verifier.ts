import { LRUCache } from 'lru-cache';
import type { Db } from 'mongodb';
import type { Access } from './access.ts';
import { apiKeysOf } from './api-keys.ts';
import { type Authentication, apiKeyId, hashApiKey, ProofUnavailableError, refused } from './authenticate.ts';

/** How long a key that was found good is not looked up again; a revoked one is accepted for as long. */
export const API_KEY_CACHE_MS = 5_000;
const API_KEY_CACHE_KEYS = 10_000;
const LOOK_UP_TIMEOUT_MS = 5_000;

/**
 * Makes the check of API keys. A good key is remembered for a moment. Unknown ones are looked up each time, so that guesses
 * cannot push good keys out of the cache. Concurrent look-ups of one key are one.
 * @returns a check that throws ProofUnavailableError where keys cannot be looked up
 */
export function apiKeyVerifier(db: Db): (apiKey: string) => Promise<Authentication> {
  const keys = apiKeysOf(db);
  const good = new LRUCache<string, Access>({
    max: API_KEY_CACHE_KEYS,
    ttl: API_KEY_CACHE_MS,
    fetchMethod: async (hash) => {
      const found = await keys.findOne({ _id: hash, revokedAt: null }, { maxTimeMS: LOOK_UP_TIMEOUT_MS });
      if (!found) return undefined;
      const { tenantId, role, carrierId } = found;
      return { tenantId, sub: apiKeyId(hash), role, carrierId, keyHash: hash, service: true };
    },
  });
  return async (apiKey) => {
    try {
      const access = await good.fetch(hashApiKey(apiKey));
      return access ? { access } : refused('invalid', 'The API key is unknown or revoked.');
    } catch (error) {
      throw new ProofUnavailableError('API keys cannot be looked up now.', { cause: error });
    }
  };
}
