import { type Access, authorityOf } from '../../access/access.ts';
import type { Authentication } from '../../access/authenticate.ts';
import type { ClientCertificate } from '../../access/client-certificate.ts';
import { ProofHolders, type ProofWatch } from '../../access/proof-watch.ts';
import type { Revocations } from '../../access/revocations.ts';
import { repeat } from '../../eventstore/backoff.ts';

/** How often it is looked for what was revoked: sockets end within that and the time that a small read takes. */
const LOOK_MS = 1_000;

export interface RevocationOptions {
  /** Whom a certificate stands for now. */
  readonly verifyCertificate?: ((certificate: ClientCertificate) => Authentication) | undefined;
  /** Told when revocations can't be read, once until they can again. */
  readonly onFailure: (error: unknown) => void;
  readonly lookMs?: number;
}

/**
 * Opens the watch of a process over all that it has open; each gateway finds in the database what was revoked by whomever.
 * While the database can't be read, what is known holds. @throws what MongoDB throws, where it can't be read at first
 */
export async function watchProofs(
  revocations: Revocations,
  options: RevocationOptions,
): Promise<ProofWatch & { close(): Promise<void> }> {
  const { verifyCertificate, onFailure, lookMs = LOOK_MS } = options;
  const holders = new ProofHolders((access) => {
    const { certificate } = access;
    if (certificate === undefined) return revocations.isRevoked(access);
    return verifyCertificate !== undefined && !isSame(verifyCertificate(certificate).access, access);
  });
  let failing = false;
  const look = async (): Promise<void> => {
    await revocations.read(holders.keys());
    holders.endRevoked();
    failing = false;
  };
  await look();
  const stopping = new AbortController();
  const looking = repeat(look, lookMs, stopping.signal, (error) => {
    if (!failing) onFailure(error);
    failing = true;
  });
  return {
    endOf: (access) => holders.endOf(access),
    watch: (access, end) => holders.watch(access, end),
    async close() {
      stopping.abort();
      await looking;
    },
  };
}

/** Whether a certificate still stands for whom it stood for. */
function isSame(now: Access | null, before: Access): boolean {
  if (now === null || now.sub !== before.sub) return false;
  return JSON.stringify(authorityOf(now)) === JSON.stringify(authorityOf(before));
}
