import type { Role } from '../eventstore/event.ts';
import type { ClientCertificate } from './client-certificate.ts';

/** Who is calling, as a token or an API key proved it. */
export interface Access {
  readonly tenantId: string;
  /** The subject: a person, a device or a key. */
  readonly sub: string;
  readonly role: Role;
  /** Whose offers the caller answers; set for carriers. */
  readonly carrierId?: string;
  /** True for an API key and for a service account: what is left to people is refused to them. */
  readonly service?: true;
  /** When the proof ends; undefined for API keys. */
  readonly expiresAt?: Date;
  /** When the token was signed, if it says so. */
  readonly issuedAt?: Date;
  /** The SHA-256 of the API key, 64 hex digits, where one is the proof. */
  readonly keyHash?: string;
  /** The client's certificate, where it is the proof. */
  readonly certificate?: ClientCertificate;
}

/** How it is proved who is calling. */
type ProofField = 'expiresAt' | 'issuedAt' | 'keyHash' | 'certificate';

/** What decides what a caller may see: not who it is in person, nor how and until when that is proved. */
export type Authority = Omit<Access, 'sub' | ProofField>;

/** Leaves out what does not count, so that whatever is added to an access counts. */
export function authorityOf(access: Access): Authority {
  const {
    sub: _person,
    expiresAt: _end,
    issuedAt: _begin,
    keyHash: _key,
    certificate: _shown,
    ...authority
  } = access;
  return authority;
}
