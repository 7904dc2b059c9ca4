import type { ClientSession, Db } from 'mongodb';
import { LEASES } from '../lease.ts';
import type { Checkpoint } from './checkpoint.ts';

/**
 * Within a transaction that changes rows of an async read model: shuts out whoever projects it, who may hold those rows
 * in memory as they were and would write them back. It takes its lease anew, reads on from where it was, and reads the
 * rows as they are then.
 */
export async function shutOutProjector(db: Db, name: string, session: ClientSession): Promise<void> {
  const leases = db.collection<{ readonly _id: string; readonly fence: number }>(LEASES);
  const lease = await leases.findOneAndUpdate(
    { _id: name },
    { $inc: { fence: 1 } },
    { session, returnDocument: 'after' },
  );
  if (lease === null) return;
  const checkpoints = db.collection<Checkpoint>('projection_checkpoints');
  await checkpoints.updateOne({ _id: name }, { $set: { fence: lease.fence } }, { session });
}
