import type { Access } from './access.ts';
import { type Authenticate, refused } from './authenticate.ts';
import { Deadlines, type Ending } from './deadlines.ts';
import { hasExpired } from './lifetime.ts';
import { subjectId } from './subjects.ts';

/** Why a proof that was good is none any more. */
export type ProofEnd = 'expired' | 'revoked';

/** That a proof has ended, as a sentence for its caller. */
export function endMessage({ keyHash, certificate }: Access, end: ProofEnd): string {
  if (certificate !== undefined)
    return end === 'expired'
      ? 'The certificate has expired.'
      : 'The certificate stands for this account no more.';
  if (end === 'expired') return 'The token has expired.';
  return keyHash === undefined ? 'The token has been revoked.' : 'The API key has been revoked.';
}

/** Knows when proofs end: each by itself, or because it is revoked. What outlives the request it began with is watched. */
export interface ProofWatch {
  /** Why a proof is good no more; undefined while it is. */
  endOf(access: Access): ProofEnd | undefined;
  /**
   * Calls `end` once, when the caller's proof ends: what began with a good one must not outlive it.
   * @returns how to stop waiting for that
   */
  watch(access: Access, end: (why: ProofEnd) => void): () => void;
}

/** Somebody whose proof is watched. */
interface Watched extends Ending {
  readonly access: Access;
  readonly end: (why: ProofEnd) => void;
}

/** The watch of a process. Without revocations, proofs end by themselves only. */
export class ProofHolders implements ProofWatch {
  readonly #isRevoked: (access: Access) => boolean;
  readonly #deadlines = new Deadlines();
  /** By key or subject, so that each is looked up once. */
  readonly #holders = new Map<string, Set<Watched>>();

  constructor(isRevoked: (access: Access) => boolean = () => false) {
    this.#isRevoked = isRevoked;
  }

  endOf(access: Access): ProofEnd | undefined {
    if (hasExpired(access, Date.now())) return 'expired';
    return this.#isRevoked(access) ? 'revoked' : undefined;
  }

  watch(access: Access, end: (why: ProofEnd) => void): () => void {
    const watched: Watched = { access, end, expired: () => this.#end(watched, 'expired') };
    const holder = holderOf(access);
    const together = this.#holders.get(holder) ?? new Set();
    this.#holders.set(holder, together.add(watched));
    if (access.expiresAt !== undefined) this.#deadlines.add(access.expiresAt.getTime(), watched);
    return () => this.#forget(watched);
  }

  /** The hashes of the keys that somebody holds something open with. */
  keys(): string[] {
    const keys = [...this.#holders.values()].map(([first]) => first?.access.keyHash);
    return keys.filter((hash) => hash !== undefined);
  }

  /** Ends whatever is found to be revoked. */
  endRevoked(): void {
    for (const together of this.#holders.values())
      for (const watched of together) if (this.#isRevoked(watched.access)) this.#end(watched, 'revoked');
  }

  #end(watched: Watched, why: ProofEnd): void {
    this.#forget(watched);
    watched.end(why);
  }

  #forget(watched: Watched): void {
    const { access } = watched;
    const holder = holderOf(access);
    const together = this.#holders.get(holder);
    if (!together?.delete(watched)) return;
    if (together.size === 0) this.#holders.delete(holder);
    if (access.expiresAt !== undefined) this.#deadlines.delete(access.expiresAt.getTime(), watched);
  }
}

function holderOf(access: Access): string {
  return access.keyHash ?? access.certificate?.thumbprint ?? subjectId(access);
}

/** Refuses a proof that the watch knows to be over, whatever remembers it as good. */
export function refusingEnded(authenticate: Authenticate, proofs: ProofWatch): Authenticate {
  return async (credentials) => {
    const authentication = await authenticate(credentials);
    if (authentication.access === null) return authentication;
    const end = proofs.endOf(authentication.access);
    return end === undefined ? authentication : refused(end, endMessage(authentication.access, end));
  };
}
