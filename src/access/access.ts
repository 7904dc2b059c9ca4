import type { Role } from '../eventstore/event.ts';

/** Who is calling, as a token or an API key proved it. */
export interface Access {
  readonly tenantId: string;
  /** The subject: a person, a device or a key. */
  readonly sub: string;
  readonly role: Role;
  /** Whose offers the caller answers; set for carriers. */
  readonly carrierId?: string;
  /** When the proof ends; undefined for API keys. */
  readonly expiresAt?: Date;
}
