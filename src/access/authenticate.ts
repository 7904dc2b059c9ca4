import { createHash, randomBytes } from 'node:crypto';
import type { Access } from './access.ts';
import type { ClientCertificate } from './client-certificate.ts';

// In: the headers of a request, or the payload of a socket's `connection_init`. Out: who is calling (access.ts), or why that is not
// proved. The files, in the order of a call:
//   authenticate.ts         here: finds the credentials and asks the right proof
//   token.ts                tokens, by a shared secret or an identity provider's key-set.ts; claims.ts reads what they say
//   client-certificate.ts   what a client showed when its connection was secured; service-accounts.ts says whom it stands for
//   lifetime.ts             how long a token is good for: the one rule for every lane
//   api-key-verifier.ts     API keys, looked up among those of api-keys.ts, where they are made and revoked
//   proof-watch.ts          ends what outlives its proof: by the clock (deadlines.ts), or because somebody revoked a key or a
//                           subject (subjects.ts), which revocations.ts finds out; gateway/engine/revocation-watch.ts has it look
//   development-secret.ts   the secret that signs tokens where nothing is configured

/** What a caller shows to prove who it is; at most one of each. */
export interface Credentials {
  /** Of its connection. */
  readonly certificate?: ClientCertificate | undefined;
  /** A JSON Web Token (RFC 7519). */
  readonly token?: string;
  /** A key made by `waybill api-key create`. */
  readonly apiKey?: string;
}

/**
 * Who is calling, or why nobody is.
 * `missing`: nothing was shown. `expired`, `revoked`: the proof was good once. `invalid`: anything else that is no proof.
 * `message` is one sentence that may be shown to the caller; it never repeats the credential.
 */
export type Authentication =
  | {
      readonly access: Access;
      /** The thumbprint of the certificate without which this is no proof. */
      readonly boundTo?: string | undefined;
    }
  | {
      readonly access: null;
      readonly reason: 'missing' | 'invalid' | 'expired' | 'revoked';
      readonly message: string;
    };

/**
 * Finds out who is calling. Rejects with ProofUnavailableError where the proof cannot be checked now (the key server or the
 * database is away): that says nothing about the caller, and is a 503, not a 401.
 */
export type Authenticate = (credentials: Credentials) => Promise<Authentication>;

/** The proof cannot be checked just now. */
export class ProofUnavailableError extends Error {
  override readonly name = 'ProofUnavailableError';
}

/** Something that reads a header by its lower-case name: `Headers`, or a closure over Node's own. */
export interface HeaderReader {
  get(name: string): string | null | undefined;
}

/**
 * Puts the proofs together. Of a caller that shows several, one counts: an API key before a token, and a certificate by itself only
 * where there is neither. A token that is bound to a certificate is one on connections with that certificate alone.
 */
export function authenticateBy(proofs: {
  readonly verifyToken: (token: string) => Promise<Authentication>;
  readonly verifyApiKey: (apiKey: string) => Promise<Authentication>;
  /** Where clients are asked for certificates. */
  readonly verifyCertificate?: (certificate: ClientCertificate) => Authentication;
}): Authenticate {
  return async ({ token, apiKey, certificate }) => {
    if (apiKey !== undefined) return proofs.verifyApiKey(apiKey);
    if (token !== undefined) return boundProof(await proofs.verifyToken(token), certificate);
    if (certificate !== undefined && proofs.verifyCertificate !== undefined)
      return proofs.verifyCertificate(certificate);
    return refused('missing', 'Show a token (Authorization: Bearer …) or an API key (x-api-key: …).');
  };
}

/** A bound token that was taken from its owner proves nothing. */
function boundProof(proof: Authentication, certificate: ClientCertificate | undefined): Authentication {
  if (proof.access === null || proof.boundTo === undefined) return proof;
  if (proof.boundTo === certificate?.thumbprint) return proof;
  return refused('invalid', 'The token is bound to a client certificate that this connection does not show.');
}

/** The caller's identity is not proved. */
export function refused(
  reason: 'missing' | 'invalid' | 'expired' | 'revoked',
  message: string,
): Authentication {
  return { access: null, reason, message };
}

/** The credentials in a request's headers: `Authorization: Bearer <token or key>`, `x-api-key: <key>`. */
export function credentialsOfHeaders(headers: HeaderReader): Credentials {
  return credentialsOf(headers.get('authorization'), headers.get('x-api-key'));
}

/**
 * The credentials in the payload of a socket's `connection_init` (graphql-transport-ws): the same two names as in
 * headers, in any case, or `apiKey`. What the payload leaves out is looked for in the headers of the upgrade request.
 */
export function credentialsOfConnection(
  params: Readonly<Record<string, unknown>> | null | undefined,
  upgrade?: HeaderReader,
): Credentials {
  let authorization: string | undefined;
  let apiKey: string | undefined;
  for (const [name, value] of Object.entries(params ?? {})) {
    if (typeof value !== 'string') continue;
    const known = name.toLowerCase();
    if (known === 'authorization') authorization = value;
    if (known === 'x-api-key' || known === 'apikey') apiKey = value;
  }
  const shown = credentialsOf(authorization, apiKey);
  if (shown.token !== undefined || shown.apiKey !== undefined || !upgrade) return shown;
  return credentialsOfHeaders(upgrade);
}

/** `Bearer` is matched in any case (RFC 7235); anything else is taken for a token, and found invalid. */
function credentialsOf(authorization?: string | null, apiKeyHeader?: string | null): Credentials {
  const apiKey = apiKeyHeader?.trim();
  if (apiKey) return { apiKey };
  const shown = authorization?.trim().replace(/^bearer(\s+|$)/i, '');
  if (!shown) return {};
  return isApiKey(shown) ? { apiKey: shown } : { token: shown };
}

/** Distinguishes an API key from a token, and lets scanners for leaked secrets find it. */
const PREFIX = 'wbk_';
/** 256 bits cannot be guessed, so that a plain hash is enough to store a key. */
const KEY_BYTES = 32;
/** How many hex digits of the hash name a key in lists and logs; the key cannot be found from them. */
const NAME_DIGITS = 12;

/** Whether the text looks like an API key; it need not be a good one. */
function isApiKey(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Makes a new key: `wbk_` and 43 characters of base64url. It is shown once and never stored. */
export function newApiKey(): string {
  return PREFIX + randomBytes(KEY_BYTES).toString('base64url');
}

/** What is stored of a key: its SHA-256, 64 hex digits. */
export function hashApiKey(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex');
}

/** The name of a key in lists, logs and as an actor: `key_` and the first digits of its hash. */
export function apiKeyId(hash: string): string {
  return `key_${hash.slice(0, NAME_DIGITS)}`;
}
