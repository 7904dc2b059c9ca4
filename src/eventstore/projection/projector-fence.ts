import type { ClientSession, Db } from 'mongodb';
import { LEASES } from '../lease.ts';
import { CHECKPOINTS, type Checkpoint, checkpointsOf } from './checkpoint.ts';

/**
 * Lets the next holder of a projector's lease get past what its checkpoint says: where leases were dropped, or restored
 * from an earlier moment than checkpoints, they count from below.
 */
export async function passFence(db: Db, name: string): Promise<void> {
  const checkpoint = await checkpointsOf(db).findOne({ _id: name });
  if (checkpoint === null) return;
  const leases = db.collection<{ readonly _id: string; readonly fence: number }>(LEASES);
  await leases.updateOne({ _id: name }, { $max: { fence: checkpoint.fence } });
}

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
