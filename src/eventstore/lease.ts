import { type Collection, type Db, MongoServerError } from 'mongodb';

/** Who may do a thing that only one process may do at a time. */
interface LeaseDocument {
  readonly _id: string;
  readonly holder: string;
  /** Raised with each change of holder: what an earlier holder still writes is recognised by it. */
  readonly fence: number;
  readonly expiresAt: Date;
}

/** A lease that was granted. It is only a promise in time: what must not happen twice checks the fence as well. */
export interface Lease {
  readonly fence: number;
  /** How long it is granted for, in ms. */
  readonly ttlMs: number;
  /** @returns false once another has it */
  renew(): Promise<boolean>;
  /** Lets the next one have it at once. */
  release(): Promise<void>;
}

export const LEASES = 'projection_leases';

function leasesOf(db: Db): Collection<LeaseDocument> {
  return db.collection<LeaseDocument>(LEASES, {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
}

/**
 * Asks for a lease. All times are the server's.
 * @param from a holder that it is taken from, though its time is not over; what that still writes is fenced off
 * @returns null while another holds it
 */
export async function acquireLease(
  db: Db,
  name: string,
  holder: string,
  ttlMs: number,
  from?: string,
): Promise<Lease | null> {
  const leases = leasesOf(db);
  const expiresAt = { $add: ['$$NOW', ttlMs] };
  const free = {
    $or: [
      { $lte: ['$expiresAt', '$$NOW'] },
      { $in: ['$holder', from === undefined ? [holder] : [holder, from]] },
    ],
  };
  const granted = (value: unknown, field: string) => ({ $cond: [free, value, `$${field}`] });
  let lease: LeaseDocument | null;
  try {
    // One stage, so that every condition sees the lease as it was. A missing `expiresAt` is less than any date.
    lease = await leases.findOneAndUpdate(
      { _id: name },
      [
        {
          $set: {
            holder: granted(holder, 'holder'),
            fence: granted({ $add: [{ $ifNull: ['$fence', 0] }, 1] }, 'fence'),
            expiresAt: granted(expiresAt, 'expiresAt'),
          },
        },
      ],
      { upsert: true, returnDocument: 'after' },
    );
  } catch (error) {
    // Two asked for a lease that nobody ever had.
    if (error instanceof MongoServerError && error.code === 11_000) return null;
    throw error;
  }
  if (lease === null || lease.holder !== holder) return null;
  const mine = { _id: name, holder, fence: lease.fence };
  return {
    fence: lease.fence,
    ttlMs,
    renew: async () => (await leases.updateOne(mine, [{ $set: { expiresAt } }])).matchedCount === 1,
    release: async () => {
      await leases.updateOne(mine, [{ $set: { expiresAt: '$$NOW' } }]);
    },
  };
}

/**
 * Works under a lease and renews it meanwhile, three times as often as it would run out. The lease is still there when
 * the work has ended: whoever acquired it lets it go.
 * @param work the signal is aborted once another process has the lease
 * @param onTrouble told when it could not be renewed, which is tried again
 * @returns what the work gave
 */
export async function whileHeld<T>(
  lease: Lease,
  work: (lost: AbortSignal) => Promise<T>,
  onTrouble: (error: unknown) => void,
): Promise<T> {
  const lost = new AbortController();
  let renewals = Promise.resolve();
  const renewing = setInterval(() => {
    const renewal = lease.renew().then((held) => held || lost.abort(), onTrouble);
    // Only that they have ended is kept: the results of a lease that is held for days would be a long list.
    renewals = Promise.all([renewals, renewal]).then(() => undefined);
  }, lease.ttlMs / 3);
  try {
    return await work(lost.signal);
  } finally {
    clearInterval(renewing);
    // One that is on its way would take the lease once more after it was let go.
    await renewals;
  }
}

/** Who holds which lease at this moment, by the server's clock. */
export async function leaseHolders(db: Db): Promise<Map<string, string>> {
  const leases = await leasesOf(db)
    .find({ $expr: { $gt: ['$expiresAt', '$$NOW'] } })
    .toArray();
  return new Map(leases.map((lease) => [lease._id, lease.holder]));
}
