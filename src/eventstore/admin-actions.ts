import type { ClientSession, Db, Document } from 'mongodb';
import type { Actor } from './event.ts';
import { hasCode } from './faults.ts';
import { newId } from './ids.ts';

/**
 * What somebody did to keys, approvals, the log or the read models themselves, past all commands of the business (D-11). Never
 * changed, only added.
 */
export interface AdminAction {
  /** A UUID in text form, which a cursor can hold; earlier versions gave ids of other kinds. */
  readonly _id: string;
  readonly at: Date;
  readonly who: Actor;
  /** `import-events`, `api-key created` … */
  readonly what: string;
  /** Whose tenant alone it concerns; absent where it is the whole database's. */
  readonly tenantId?: string;
  /** What it was done to, as it was and as it is: absent where it was not, is not, or there is no telling. */
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly details: Readonly<Record<string, unknown>>;
}

/** An action as it is noted; the rest is put in. */
export type NewAdminAction = Omit<AdminAction, '_id' | 'at' | 'details'> & {
  readonly details?: AdminAction['details'];
};

const COLLECTION = 'admin_actions';
/** The log is short; a read that takes longer has met something else. */
const READ_TIMEOUT_MS = 10_000;

/**
 * Notes an admin action, durably.
 * @param session of the transaction in which it is done, if there is one
 * @throws what MongoDB throws
 */
export async function noteAdminAction(
  db: Db,
  action: NewAdminAction,
  session?: ClientSession,
): Promise<void> {
  const noted: AdminAction = { _id: newId(), at: new Date(), details: {}, ...action };
  if (session !== undefined) {
    await db.collection<AdminAction>(COLLECTION).insertOne(noted, { session });
    return;
  }
  const durable = { writeConcern: { w: 'majority', journal: true } } as const;
  await db.collection<AdminAction>(COLLECTION, durable).insertOne(noted);
}

/** Makes the collection, which a transaction could not always. */
export async function openAdminActions(db: Db): Promise<void> {
  await db.createCollection(COLLECTION).catch((error: unknown) => {
    // Another process made it a moment ago.
    if (!hasCode(error, 48)) throw error;
  });
}

/** Which admin actions are asked for. */
export interface AdminActionQuery {
  /** Of this tenant alone; all, and those of the whole database, without. */
  readonly tenantId?: string | undefined;
  readonly what?: string | undefined;
  /** The place of the cursors, in MongoDB's query language. */
  readonly filter?: Document | undefined;
  readonly sort?: Readonly<Record<string, 1 | -1>> | undefined;
  readonly limit: number;
}

/** Admin actions as they are kept by this and by earlier versions, in the order asked for; the latest first unless it says otherwise. */
export async function readAdminActions(
  db: Db,
  { tenantId, what, filter, sort = { at: -1, _id: -1 }, limit }: AdminActionQuery,
): Promise<AdminAction[]> {
  const own = tenantId === undefined ? {} : { tenantId };
  const named = what === undefined ? {} : { $or: [{ what }, { action: what }] };
  const found = await db
    .collection(COLLECTION, { readConcern: { level: 'majority' } })
    .find({ $and: [own, named, filter ?? {}] }, { maxTimeMS: READ_TIMEOUT_MS })
    .sort({ ...sort })
    .limit(limit)
    .toArray();
  return found.map(readOf);
}

/** Those about keys had other names once, and no `details`. */
function readOf(stored: Document): AdminAction {
  const { _id, at, who, actor, what, action, tenantId, before, after, details, ...rest } = stored;
  return {
    _id: String(_id),
    at,
    who: who ?? actor,
    what: what ?? action,
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    details: { ...rest, ...details },
  };
}
