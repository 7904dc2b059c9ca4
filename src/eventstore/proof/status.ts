import type { Db, Timestamp } from 'mongodb';

/** How far the log of every tenant is sealed, for all processes. */
interface SealStatus {
  readonly _id: 'log';
  readonly upTo: Timestamp;
}

export const SEAL_STATUS = 'proof_status';

/** Notes that everything which the database took before this moment is sealed. */
export async function noteSealed(db: Db, upTo: Timestamp): Promise<void> {
  await db
    .collection<SealStatus>(SEAL_STATUS)
    .updateOne({ _id: 'log' }, { $set: { upTo } }, { upsert: true });
}

export async function sealedUpTo(db: Db): Promise<Timestamp | undefined> {
  return (await db.collection<SealStatus>(SEAL_STATUS).findOne({ _id: 'log' }))?.upTo;
}
