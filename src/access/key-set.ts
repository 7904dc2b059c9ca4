import { createRemoteJWKSet, errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { ProofUnavailableError } from './authenticate.ts';

/** How long reading a key set may take, and how long it is kept. */
const JWKS_TIMEOUT_MS = 5_000;
const JWKS_MAX_AGE_MS = 600_000;
/** A token with an unknown key id makes the set be read again, but no more often than this. */
const JWKS_COOLDOWN_MS = 30_000;
/** Asymmetric algorithms that a key set may be used with: nothing symmetric, never `none`. */
export const JWKS_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

/**
 * The provider's keys, read at the first token. That they cannot be read is a ProofUnavailableError; that none of them fits a token
 * is an error of jose.
 */
export function keySet(url: URL): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cooldownDuration: JWKS_COOLDOWN_MS,
    cacheMaxAge: JWKS_MAX_AGE_MS,
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      const fits =
        error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JWKSMultipleMatchingKeys ||
        error instanceof errors.JOSENotSupported;
      if (fits) throw error;
      throw new ProofUnavailableError('The keys that prove tokens cannot be read now.', { cause: error });
    }
  };
}

/** Checks a token with a key, or with those of a set: where it names none, and several fit, each is tried. */
export async function verifyBy(token: string, key: Uint8Array | JWTVerifyGetKey, options: JWTVerifyOptions) {
  try {
    return await jwtVerify(token, key, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const candidate of error) {
      try {
        return await jwtVerify(token, candidate, options);
      } catch (attempt) {
        if (!(attempt instanceof errors.JWSSignatureVerificationFailed)) throw attempt;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}
