import { z } from 'zod';
import { ROLES } from '../eventstore/event.ts';
import type { Access } from './access.ts';
import { type Authentication, refused } from './authenticate.ts';
import { nameSchema, tenantIdSchema } from './claims.ts';
import type { ClientCertificate } from './client-certificate.ts';

/** SHA-256 in base64url, or as `openssl x509 -fingerprint -sha256` prints it. */
const thumbprintSchema = z
  .string()
  .regex(/^(?:[\w-]{43}|[0-9A-F]{2}(?::[0-9A-F]{2}){31})$/i)
  .transform((text) =>
    text.includes(':') ? Buffer.from(text.replaceAll(':', ''), 'hex').toString('base64url') : text,
  );

/** How an account's certificate is known: by one of its names (RFC 8705, section 2.1.2), or itself. */
const certificateSchema = z.union([
  z.strictObject({ san_dns: nameSchema }).transform(({ san_dns }) => `DNS:${san_dns}`),
  z.strictObject({ san_uri: nameSchema }).transform(({ san_uri }) => `URI:${san_uri}`),
  z.strictObject({ san_email: nameSchema }).transform(({ san_email }) => `email:${san_email}`),
  z.strictObject({ 'x5t#S256': thumbprintSchema }).transform((certificate) => certificate['x5t#S256']),
]);

const accountsSchema = z.array(
  z
    .strictObject({
      sub: nameSchema,
      tenant: tenantIdSchema,
      role: z.enum(ROLES),
      carrierId: nameSchema.optional(),
      certificate: certificateSchema,
    })
    .refine(({ role, carrierId }) => (role === 'carrier') === (carrierId !== undefined), {
      path: ['carrierId'],
      message: 'goes with the role carrier, and only with it',
    }),
);

type Account = Omit<Access, 'expiresAt' | 'certificate'>;

/** Whom each certificate stands for, by what the certificate is known by. */
export type ServiceAccounts = ReadonlyMap<string, Account>;

/**
 * Reads a list of service accounts.
 * @throws Error with a sentence about the first thing that is wrong with it
 */
export function readServiceAccounts(text: string): ServiceAccounts {
  const read = accountsSchema.safeParse(parsed(text));
  if (!read.success) {
    const [issue] = read.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? 'the list' : issue.path.join('.');
    throw new Error(`${where}: ${issue?.message ?? 'is malformed'}`);
  }
  const accounts = new Map<string, Account>();
  for (const { certificate, tenant, sub, role, carrierId } of read.data) {
    if (accounts.has(certificate)) throw new Error(`${certificate} stands for two accounts`);
    const carrier = carrierId === undefined ? {} : { carrierId };
    accounts.set(certificate, { tenantId: tenant, sub, role, ...carrier, service: true });
  }
  return accounts;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is no JSON');
  }
}

/**
 * Whom a certificate stands for. It ends with the certificate.
 * @param accounts as they are now
 */
export function accountOf(accounts: ServiceAccounts, certificate: ClientCertificate): Authentication {
  const { thumbprint, names, validTo } = certificate;
  const found = [thumbprint, ...names]
    .map((name) => accounts.get(name))
    .filter((account) => account !== undefined);
  const [account, other] = found;
  if (account === undefined)
    return refused('invalid', 'The client certificate stands for no service account here.');
  if (other !== undefined)
    return refused('invalid', 'The client certificate stands for several service accounts here.');
  return { access: { ...account, expiresAt: validTo, certificate } };
}
