import { z } from 'zod';
import { ROLES } from '../eventstore/event.ts';
import type { Access } from './access.ts';

/** Longest subject, carrier id or key name, in characters. */
const MAX_NAME_LENGTH = 128;

/** A tenant's id: it is part of row ids and file names, so it keeps to a small alphabet. */
export const tenantIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
    'must be 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or a digit',
  );

/** A subject, a carrier or a key: one printable line. */
export const nameSchema = z
  .string()
  .min(1)
  .max(MAX_NAME_LENGTH)
  .regex(/^[^\p{Cc}\p{Surrogate}]+$/u, 'must be one printable line');

/** The last second that a date can hold. */
const LAST_SECOND = 8_640_000_000_000;

/** The claims of a Waybill token; others are ignored. Carriers say which carrier they answer for. Every token ends. */
export const claimsSchema = z
  .object({
    sub: nameSchema,
    tenant: tenantIdSchema,
    role: z.enum(ROLES),
    carrierId: nameSchema.optional(),
    exp: z.number().max(LAST_SECOND),
    iat: z.number().min(0).max(LAST_SECOND).optional(),
  })
  .refine((claims) => claims.role !== 'carrier' || claims.carrierId !== undefined, {
    path: ['carrierId'],
    message: 'must say which carrier it is, for a carrier',
  });

/** What `waybill token` puts into a token, besides the times. */
export type Claims = Omit<z.infer<typeof claimsSchema>, 'exp' | 'iat'>;

/** What a token says; each has an end. */
export type TokenAccess = Access & { readonly expiresAt: Date };

/** How a token is bound to who may use it (RFC 7800); by a certificate's thumbprint (RFC 8705), or in a way unknown here. */
const confirmationSchema = z.object({ cnf: z.looseObject({ 'x5t#S256': z.string().optional() }).optional() });

/**
 * The thumbprint of the certificate that a token is bound to; undefined for one that whoever has it may use.
 * @returns a fault where it is bound by what cannot be checked here: then it is no token for everybody
 */
export function bindingOf(payload: unknown): string | undefined | { readonly fault: string } {
  const read = confirmationSchema.safeParse(payload);
  if (!read.success) return { fault: 'cnf' };
  const { cnf } = read.data;
  return cnf === undefined ? undefined : (cnf['x5t#S256'] ?? { fault: 'cnf' });
}

/**
 * Reads claims whose signature is proved already.
 * @returns who is calling, or the name of the claim that is missing or malformed
 */
export function accessOf(payload: unknown): TokenAccess | { readonly fault: string } {
  const read = claimsSchema.safeParse(payload);
  if (!read.success) return { fault: String(read.error.issues[0]?.path[0] ?? 'sub') };
  const { sub, tenant, role, carrierId, exp, iat } = read.data;
  return {
    tenantId: tenant,
    sub,
    role,
    ...(carrierId === undefined ? {} : { carrierId }),
    expiresAt: new Date(exp * 1000),
    ...(iat === undefined ? {} : { issuedAt: new Date(iat * 1000) }),
  };
}
