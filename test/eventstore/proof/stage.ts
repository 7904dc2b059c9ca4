import { generateKeyPairSync } from 'node:crypto';
import { Timestamp } from 'mongodb';
import { clusterNow } from '../../../src/eventstore/changes.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { proofKeysOf } from '../../../src/eventstore/log/announced.ts';
import { type CheckOptions, checkLog } from '../../../src/eventstore/proof/check.ts';
import type { ProofFinding, ProofReport } from '../../../src/eventstore/proof/finding.ts';
import { type Signer, signerOf } from '../../../src/eventstore/proof/keys.ts';
import { sealNext } from '../../../src/eventstore/proof/seal.ts';

/** A private key in PEM, as openssl makes it. */
export function newPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A key that nobody has. */
export function newSigner(): Signer {
  return signerOf(newPem());
}

/** A store on which all that is committed counts as settled: whoever uses it writes nothing while it is sealed. */
export function settled(store: Store): Store {
  const settledIn: Store['horizon']['settledIn'] = async (session) => {
    const now = await clusterNow(store.db, session);
    return new Timestamp({ t: now.getHighBitsUnsigned(), i: now.getLowBitsUnsigned() + 1 });
  };
  return { ...store, horizon: { settledIn } };
}

/** Has imports announce what they record, as a process that seals does. */
export async function publish(store: Store, { verifier }: Signer): Promise<void> {
  await proofKeysOf(store.db).insertOne({ _id: verifier.text, since: await clusterNow(store.db) });
}

/** Seals everything of these tenants, so many events a segment. */
export async function seal(
  store: Store,
  signer: Signer,
  tenantIds: readonly string[],
  limit?: number,
): Promise<void> {
  for (const tenantId of tenantIds) while ((await sealNext(settled(store), signer, tenantId, limit)) > 0);
}

/** What the check finds, sorted, and its report. */
export async function checked(
  store: Store,
  signer: Signer,
  options: Partial<CheckOptions> = {},
): Promise<{ readonly findings: ProofFinding[]; readonly report: ProofReport }> {
  const findings: ProofFinding[] = [];
  const report = await checkLog(store, {
    verifiers: [signer.verifier],
    onFinding: (finding) => void findings.push(finding),
    ...options,
  });
  return { findings, report };
}
