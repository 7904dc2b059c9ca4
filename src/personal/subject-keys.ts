import type { Collection, Db } from 'mongodb';
import type { IndexSpec } from '../eventstore/projection.ts';

export const SUBJECT_KEYS = 'subject_keys';

/** The key of a data subject; what stays of it after an erasure keeps anybody from making it another one. */
export interface SubjectKeyDocument {
  /** The subject as payloads name it: a UUID in text form. */
  readonly _id: string;
  readonly tenantId: string;
  /** Which key of the tenant wraps it. */
  readonly by?: string;
  readonly wrapped?: string;
  /** The day on which something was last recorded under it. */
  readonly usedOn?: Date;
  /** Keyed hashes of what the subject can be found by. */
  readonly hashes?: readonly string[];
  readonly erasedAt?: Date;
}

export const SUBJECT_KEY_INDEXES: readonly IndexSpec[] = [
  { keys: { tenantId: 1, hashes: 1 }, serves: 'whom a name or a number belongs to' },
  { keys: { tenantId: 1, usedOn: 1 }, serves: 'retention: keys that nothing was recorded under for long' },
];

/** How many names and numbers a subject can be found by; older ones are forgotten. */
export const MAX_HASHES = 50;

export function subjectKeysOf(db: Db): Collection<SubjectKeyDocument> {
  return db.collection<SubjectKeyDocument>(SUBJECT_KEYS, {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
}

/** Destroys a subject's key, and leaves that it was. Nothing happens where it was destroyed before. */
export async function destroyKey(db: Db, tenantId: string, subject: string, at: Date): Promise<void> {
  await subjectKeysOf(db).updateOne(
    { _id: subject, tenantId },
    [
      {
        $replaceWith: {
          _id: '$_id',
          tenantId,
          erasedAt: { $ifNull: ['$erasedAt', at] },
        },
      },
    ],
    { upsert: true },
  );
}
