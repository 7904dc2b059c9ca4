import { errors, type JWTVerifyOptions, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Access } from './access.ts';
import { type Authentication, ProofUnavailableError, refused } from './authenticate.ts';
import { accessOf, bindingOf, type Claims, type TokenAccess } from './claims.ts';
import { keySet, verifyBy } from './key-set.ts';
import { CLOCK_TOLERANCE_SECONDS, hasExpired, lifetimeFault, MAX_TOKEN_HOURS } from './lifetime.ts';

/** HS256 wants a key at least as long as its hash (RFC 7518, section 3.2). */
export const MIN_SECRET_BYTES = 32;
/** Longer texts are not even decoded. */
const MAX_TOKEN_LENGTH = 8_192;

/** How tokens are proved: by a shared secret (HS256), or by an identity provider's published keys. */
export type TokenPolicy = {
  readonly issuer?: string;
  readonly audience?: string;
  /** How long a token may be good for, in h. */
  readonly maxHours?: number;
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
      const { payload } = await verifyBy(token, key, options);
      const access = accessOf(payload);
      if ('fault' in access)
        return refused('invalid', `The token's claim "${access.fault}" is missing or malformed.`);
      const boundTo = bindingOf(payload);
      if (typeof boundTo === 'object')
        return refused('invalid', 'The token is bound by a method that this gateway does not check.');
      return untimely(access, policy.maxHours ?? MAX_TOKEN_HOURS) ?? { access, boundTo };
    } catch (error) {
      return refusalOf(error);
    }
  }, hasExpired);
}

/** Refuses an access whose time is over, or longer than it may be. */
function untimely(access: TokenAccess, maxHours: number): Authentication | undefined {
  const now = Date.now();
  if (hasExpired(access, now)) return EXPIRED;
  const { expiresAt, issuedAt } = access;
  const lifetime = {
    exp: expiresAt.getTime() / 1_000,
    iat: issuedAt === undefined ? undefined : issuedAt.getTime() / 1_000,
  };
  const fault = lifetimeFault(lifetime, now, maxHours);
  return fault === undefined ? undefined : refused('invalid', fault);
}

const EXPIRED = refused('expired', 'The token has expired.');

/** Why a token is no proof. @throws ProofUnavailableError, which says nothing about the token */
function refusalOf(error: unknown): Authentication {
  if (error instanceof ProofUnavailableError) throw error;
  if (error instanceof errors.JWTExpired) return EXPIRED;
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
  claims: Claims,
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

/** A token that was found good, for whoever it is bound to. */
type Proof = Extract<Authentication, { readonly access: Access }>;

/** How many proved tokens a process remembers. */
const REMEMBERED_TOKENS = 10_000;
/**
 * How long a proof is remembered, in ms: a key that was removed from a key set is accepted no longer than this.
 * Whether a token has expired is looked at each time.
 */
const TOKEN_MEMORY_MS = 60_000;

/**
 * Proves a token once instead of with every request: the platform checks signatures on another thread, and the way there and
 * back costs more than the rest of a small query. Only proofs are remembered, no refusals.
 * @param isOver whether an access has expired at a moment
 */
export function rememberingTokens(
  verify: (token: string) => Promise<Authentication>,
  isOver: (access: Access, now: number) => boolean,
): (token: string) => Promise<Authentication> {
  const proved = new LRUCache<string, Proof>({ max: REMEMBERED_TOKENS, ttl: TOKEN_MEMORY_MS });
  return async (token) => {
    const known = proved.get(token);
    if (known !== undefined && !isOver(known.access, Date.now())) return known;
    const authentication = await verify(token);
    if (authentication.access !== null) proved.set(token, authentication);
    return authentication;
  };
}
