import {
  createRemoteJWKSet,
  errors,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
  SignJWT,
} from 'jose';
import type { Access } from './access.ts';
import { type Authentication, ProofUnavailableError, refused } from './authenticate.ts';
import { accessOf, type Claims } from './claims.ts';
import { rememberingTokens } from './token-memory.ts';

/** How far the clock of whoever signed may be ahead of ours, or behind. */
export const CLOCK_TOLERANCE_SECONDS = 5;
/** HS256 wants a key at least as long as its hash (RFC 7518, section 3.2). */
export const MIN_SECRET_BYTES = 32;
/** How long a key set is waited for, and how long it is kept. */
const JWKS_TIMEOUT_MS = 5_000;
const JWKS_MAX_AGE_MS = 600_000;
/** A token with an unknown key id makes the set be read again, but no more often than this. */
const JWKS_COOLDOWN_MS = 30_000;
/** Longer texts are no tokens; it saves the decoding. */
const MAX_TOKEN_LENGTH = 8_192;

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

/** How tokens are proved: by a shared secret (HS256), or by an identity provider's published keys. */
export type TokenPolicy = {
  readonly issuer?: string;
  readonly audience?: string;
} & (
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'jwks'; readonly url: URL; readonly algorithms: readonly string[] }
);

/** Makes the check of tokens that a policy asks for. A key set is read at the first token, not before. */
export function tokenVerifier(policy: TokenPolicy): (token: string) => Promise<Authentication> {
  const options: JWTVerifyOptions = {
    algorithms: policy.kind === 'secret' ? ['HS256'] : [...policy.algorithms],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    ...(policy.issuer === undefined ? {} : { issuer: policy.issuer }),
    ...(policy.audience === undefined ? {} : { audience: policy.audience }),
  };
  const key = policy.kind === 'secret' ? new TextEncoder().encode(policy.secret) : keySet(policy.url);
  return rememberingTokens(async (token) => {
    if (token.length > MAX_TOKEN_LENGTH) return refused('invalid', 'The token is too long.');
    try {
      const { payload } = await verify(token, key, options);
      const access = accessOf(payload);
      if ('fault' in access)
        return refused('invalid', `The token's claim "${access.fault}" is missing or malformed.`);
      return { access };
    } catch (error) {
      return refusalOf(error);
    }
  }, hasExpired);
}

function hasExpired({ expiresAt }: Access, now: number): boolean {
  return expiresAt !== undefined && now >= expiresAt.getTime() + CLOCK_TOLERANCE_SECONDS * 1_000;
}

/** The provider's keys. That they can't be read is told apart from a token that none of them signed. */
function keySet(url: URL): JWTVerifyGetKey {
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

/** A token without a key id may fit several keys of a set: each is tried. */
async function verify(token: string, key: Uint8Array | JWTVerifyGetKey, options: JWTVerifyOptions) {
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

/** Why a token is no proof; `ProofUnavailableError` is no word about the token and is thrown on. */
function refusalOf(error: unknown): Authentication {
  if (error instanceof ProofUnavailableError) throw error;
  if (error instanceof errors.JWTExpired) return refused('expired', 'The token has expired.');
  if (error instanceof errors.JWTClaimValidationFailed)
    return refused('invalid', `The token's claim "${error.claim}" is not what this gateway asks for.`);
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported)
    return refused('invalid', "The token's signing algorithm is not allowed here.");
  return refused('invalid', 'The token is not one that this gateway accepts.');
}

/**
 * Signs a token with the shared secret (HS256).
 * @param expiresInSeconds how long it is good for, from now
 */
export function signToken(
  policy: Extract<TokenPolicy, { kind: 'secret' }>,
  claims: Omit<Claims, 'exp'>,
  expiresInSeconds: number,
): Promise<string> {
  const { sub, ...own } = claims;
  const now = Math.floor(Date.now() / 1000);
  const token = new SignJWT(own)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(sub)
    .setIssuedAt(now)
    .setExpirationTime(now + expiresInSeconds);
  if (policy.issuer !== undefined) token.setIssuer(policy.issuer);
  if (policy.audience !== undefined) token.setAudience(policy.audience);
  return token.sign(new TextEncoder().encode(policy.secret));
}
