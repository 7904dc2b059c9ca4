import { isIPv4, isIPv6 } from 'node:net';
import { MIN_SECRET_BYTES, type TokenPolicy } from '../access/token.ts';
import { StartupError } from '../mongo/startup-error.ts';

/** What the settings say about how tokens are proved, and who may reach the process. */
interface ProofSettings {
  readonly role: 'all' | 'gateway' | 'projector';
  readonly host: string;
  readonly jwtSecret: string | undefined;
  readonly jwksUrl: URL | undefined;
  readonly jwtAlgorithms: readonly string[];
  readonly jwtIssuer: string | undefined;
  readonly jwtAudience: string | undefined;
  readonly maxTokenHours: number;
}

/** @throws StartupError where they don't go together, or would let others in with a secret of this machine */
export function checkProof(settings: ProofSettings): void {
  const { jwtSecret, jwksUrl, host, role } = settings;
  if (jwtSecret !== undefined && jwksUrl !== undefined)
    throw new StartupError(
      'Set WAYBILL_JWT_SECRET or WAYBILL_JWKS_URL, not both: a token has one kind of proof.',
    );
  if (jwtSecret !== undefined && Buffer.byteLength(jwtSecret) < MIN_SECRET_BYTES)
    throw new StartupError(
      `WAYBILL_JWT_SECRET must be at least ${MIN_SECRET_BYTES} bytes long (RFC 7518); \`openssl rand -base64 32\` makes a good one.`,
    );
  // A projector answers no GraphQL.
  if (isDevelopment(settings) && role !== 'projector' && !isLoopback(host))
    throw new StartupError(
      `HOST=${host} can be reached by others, but nothing says who may call: set WAYBILL_JWT_SECRET or WAYBILL_JWKS_URL, or leave HOST at 127.0.0.1.`,
    );
}

/** Development mode: nothing is configured to prove tokens by, so a secret is made and kept in the data folder. */
export function isDevelopment(settings: ProofSettings): boolean {
  return settings.jwtSecret === undefined && settings.jwksUrl === undefined;
}

/** Whether only this machine can reach an address: `localhost`, 127.0.0.0/8, ::1. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  if (isIPv6(host)) return /^(0*:)*0*1$/.test(host);
  return host.toLowerCase() === 'localhost';
}

/**
 * How tokens are proved.
 * @param developmentSecret gives the secret of development mode; asked only where it is needed
 */
export async function tokenPolicyOf(
  settings: ProofSettings,
  developmentSecret: () => Promise<string>,
): Promise<TokenPolicy> {
  const { jwtSecret, jwksUrl, jwtAlgorithms, jwtIssuer, jwtAudience, maxTokenHours } = settings;
  const asked = {
    maxHours: maxTokenHours,
    ...(jwtIssuer === undefined ? {} : { issuer: jwtIssuer }),
    ...(jwtAudience === undefined ? {} : { audience: jwtAudience }),
  };
  if (jwksUrl !== undefined) return { ...asked, kind: 'jwks', url: jwksUrl, algorithms: jwtAlgorithms };
  return { ...asked, kind: 'secret', secret: jwtSecret ?? (await developmentSecret()) };
}
