import { type Db, MongoBulkWriteError, MongoServerError } from 'mongodb';
import { pause } from '../../backoff.ts';
import { LEASES } from '../../lease.ts';
import { type Pointer, replacePointer, type Sealing } from './pointer.ts';

/** DocumentValidationFailure: the error of every write of a row into a sealed generation. */
const SEALED_CODE = 121;
const NAMESPACE_NOT_FOUND = 26;
const NAMESPACE_EXISTS = 48;
const MAX_TIME_EXPIRED = 50;

/** How long to wait for transactions in flight, in ms; new ones wait meanwhile, and are let through after that. */
const LOCK_MS = 1_000;
/** How often that is tried: a transaction whose process was killed holds its rows until its lifetime ends. */
const LOCK_TRIES = 60;
/** How long taking a seal off may last, in ms. After that it was given up, and another process may do it. */
export const LIFT_MS = 5_000;

/** The name of the lease under which a read model is rebuilt, by one process at a time. */
export function rebuildLease(name: string): string {
  return `rebuild:${name}`;
}

/** True for the error of a write into a sealed generation, of one row or of many. */
export function isSealError(error: unknown): boolean {
  if (
    error instanceof MongoBulkWriteError &&
    [error.writeErrors].flat().some(({ code }) => code === SEALED_CODE)
  )
    return true;
  return error instanceof MongoServerError && error.code === SEALED_CODE;
}

/**
 * Seals a generation: from then on every write of a row fails, even by a process that knows nothing of the switch. The
 * server locks the collection for that, so transactions in flight end first. The seal is a validator, which does not
 * stop deletes.
 */
export async function seal(db: Db, collection: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await putValidator(db, collection, { $expr: false });
      return;
    } catch (error) {
      const code = error instanceof MongoServerError ? error.code : undefined;
      if (code === NAMESPACE_NOT_FOUND) await create(db, collection);
      else if (code !== MAX_TIME_EXPIRED || tries === LOCK_TRIES) throw error;
      else await pause(LOCK_MS);
    }
  }
}

async function create(db: Db, collection: string): Promise<void> {
  try {
    await db.createCollection(collection);
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === NAMESPACE_EXISTS)) throw error;
  }
}

async function putValidator(db: Db, collection: string, validator: object): Promise<void> {
  await db.command({
    collMod: collection,
    validator,
    validationLevel: 'strict',
    validationAction: 'error',
    maxTimeMS: LOCK_MS,
    writeConcern: { w: 'majority', j: true },
  });
}

/**
 * Takes the seal off the live generation and calls its switch off: whoever meant to switch finds the pointer changed.
 * The pointer says so meanwhile, so that no new seal comes between.
 * @returns false where somebody else changed the pointer first, or this took too long
 */
export async function liftSeal(db: Db, pointer: Pointer, collection: string, by: string): Promise<boolean> {
  const began = performance.now();
  const { sealing: _, ahead: __, ...rest } = pointer;
  const lifting: Sealing = { generation: pointer.generation, by, since: new Date(), lifting: true };
  const mine = await replacePointer(db, pointer, { ...rest, sealing: lifting });
  if (mine === null) return false;
  for (;;) {
    // A process that was held up must not take off a seal that another has put on since.
    if (performance.now() - began > LIFT_MS - LOCK_MS) return false;
    try {
      await putValidator(db, collection, {});
      break;
    } catch (error) {
      const code = error instanceof MongoServerError ? error.code : undefined;
      // A collection that does not exist yet has no seal.
      if (code === NAMESPACE_NOT_FOUND) break;
      if (code !== MAX_TIME_EXPIRED) throw error;
    }
  }
  return (await replacePointer(db, mine, rest)) !== null;
}

/** True while a seal is on, whatever the pointer says. */
export async function hasSeal(db: Db, collection: string): Promise<boolean> {
  const [found] = await db.listCollections({ name: collection }, { nameOnly: false }).toArray();
  return Object.keys(found?.options?.validator ?? {}).length > 0;
}

/** True where nobody holds the lease under which this seal was put on: its rebuild died. By the server's clock. */
export async function isAbandoned(db: Db, name: string, sealing: Sealing): Promise<boolean> {
  if (sealing.lifting === true) return true;
  return !(await holdsRebuild(db, name, sealing.by));
}

/** True while `holder` has the lease to rebuild this read model. By the server's clock. */
export async function holdsRebuild(db: Db, name: string, holder: string): Promise<boolean> {
  const leases = db.collection<{ _id: string; holder: string }>(LEASES, {
    readConcern: { level: 'majority' },
  });
  const held = { _id: rebuildLease(name), holder, $expr: { $gt: ['$expiresAt', '$$NOW'] } };
  return (await leases.findOne(held)) !== null;
}
