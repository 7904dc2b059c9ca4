import type { Db } from 'mongodb';
import { pause } from '../backoff.ts';
import { acquireLease, LEASES, type Lease } from '../lease.ts';
import { rebuildLease } from '../projection/generation/seal.ts';
import type { Projection } from '../projection.ts';
import { RebuildRefused } from './refused.ts';

/** How long a rebuild that died keeps others waiting, in ms. Renewed three times as often. */
export const REBUILD_LEASE_MS = 6_000;
/** Between two looks at a lease that somebody holds, in ms. */
const LOOK_MS = 100;

/**
 * Takes the lease to rebuild a read model. A lease that is not renewed belongs to a rebuild that died, and is waited for.
 * @throws RebuildRefused where another process renews it, or when it is told to stop
 */
export async function takeLease(
  db: Db,
  { name }: Projection,
  by: string,
  leaseMs: number,
  signal?: AbortSignal,
): Promise<Lease> {
  const refuse = (why: string): never => {
    throw new RebuildRefused(`${name} ${why}`);
  };
  for (let seen: number | undefined; ; ) {
    const expiresAt = await expiryOf(db, rebuildLease(name));
    // Renewed or released: a dead process does neither.
    if (expiresAt !== (seen ?? expiresAt))
      return refuse('is being rebuilt by another process, or was until a moment ago.');
    const lease = await acquireLease(db, rebuildLease(name), by, leaseMs);
    if (lease !== null) return lease;
    if (signal?.aborted === true) return refuse('was not rebuilt: told to stop.');
    if (expiresAt > 0) seen ??= expiresAt;
    await pause(LOOK_MS);
  }
}

async function expiryOf(db: Db, lease: string): Promise<number> {
  const leases = db.collection<{ _id: string; expiresAt: Date }>(LEASES, {
    readConcern: { level: 'majority' },
  });
  return (await leases.findOne({ _id: lease }))?.expiresAt.getTime() ?? 0;
}
