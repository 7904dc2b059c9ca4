import type { ClientSession, Db } from 'mongodb';
import { LEASES } from '../lease.ts';
import { CHECKPOINTS, type Checkpoint } from './checkpoint.ts';

/**
 * Within a transaction that changes rows of an async read model: shuts out its projector, as if another one had taken
 * over. It may have those rows in memory as they were, and would write them back. It takes its lease anew, goes on from
 * its checkpoint at once, and reads the rows as they are then.
 */
export async function shutOutProjector(db: Db, name: string, session: ClientSession): Promise<void> {
  const leases = db.collection<{ readonly _id: string; readonly fence: number }>(LEASES);
  const lease = await leases.findOneAndUpdate(
    { _id: name },
    { $inc: { fence: 1 } },
    { session, returnDocument: 'after' },
  );
  if (lease === null) return;
  const checkpoints = db.collection<Checkpoint>(CHECKPOINTS);
  await checkpoints.updateOne({ _id: name }, { $set: { fence: lease.fence } }, { session });
}
