import { Binary, type ClientSession, type Collection, type Db, type ObjectId, type Timestamp } from 'mongodb';
import type { StoredEvent } from '../event.ts';

// What is imported stands in the log among what was recorded then: behind what is sealed already, where nothing appears
// by itself. So an import announces its events, in the transaction that records them, to be sealed in a segment of their own; what
// stands there without having been announced was slipped in.

export const ANNOUNCED = 'proof_announced';
export const PROOF_KEYS = 'proof_keys';

/** Events of an import that are to be sealed. */
export interface Announcement {
  readonly _id: ObjectId;
  readonly tenantId: string;
  /** 16 bytes each. */
  readonly ids: Binary;
}

/** A public key by which checkpoints are signed. Only ever added. */
export interface ProofKey {
  /** As `keys.ts` writes a verifier. */
  readonly _id: string;
  /** Since when, by the cluster's clock. */
  readonly since: Timestamp;
}

export function announcementsOf(db: Db): Collection<Announcement> {
  return db.collection<Announcement>(ANNOUNCED, {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
}

export function proofKeysOf(db: Db): Collection<ProofKey> {
  return db.collection<ProofKey>(PROOF_KEYS, {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
}

/** Announces events in the transaction that records them, one note for each tenant; nothing where the log is not sealed. */
export async function announce(
  db: Db,
  session: ClientSession,
  events: readonly Pick<StoredEvent, '_id' | 'tenantId'>[],
): Promise<void> {
  if ((await proofKeysOf(db).findOne({}, { session })) === null) return;
  const ids = new Map<string, Uint8Array[]>();
  for (const { tenantId, _id } of events) {
    const known = ids.get(tenantId);
    if (known === undefined) ids.set(tenantId, [_id.buffer]);
    else known.push(_id.buffer);
  }
  const notes = [...ids].map(([tenantId, of]) => ({ tenantId, ids: new Binary(Buffer.concat(of)) }));
  await db.collection(ANNOUNCED).insertMany(notes, { session });
}
