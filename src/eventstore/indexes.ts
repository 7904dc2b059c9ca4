import type { Collection, Db } from 'mongodb';
import type { Logger } from 'pino';
import { STREAM_INDEX } from './aggregate.ts';
import { hasCode } from './faults.ts';
import type { IndexSpec, Projection } from './projection.ts';
import { LATE_INDEX } from './time-order.ts';

const UNAUTHORIZED = 13;
const NAMESPACE_NOT_FOUND = 26;
const NAMESPACE_EXISTS = 48;

/** A tenant's log in the order in which the database took the events; those without a stamp first, by recordedAt. */
export const LOG_INDEX = { tenantId: 1, loggedAt: 1, recordedAt: 1, _id: 1 } as const;

/**
 * By what happened and when. An insert costs mongod 0 to 5 % more CPU by it; with the order of pages behind, so that no
 * document need be read to be sorted, it would be 12 to 27 % (measured, groups of 32 and of 500).
 */
export const KIND_INDEX = { tenantId: 1, type: 1, occurredAt: 1 } as const;

/** The indexes of the log. No more than these: each costs every append. `_id` is the idempotency key. */
export const EVENT_INDEXES: readonly IndexSpec[] = [
  {
    keys: STREAM_INDEX,
    unique: true,
    serves:
      'reading a stream in order; one event per sequence (S-01), also when sharded by its first three fields',
  },
  { keys: LOG_INDEX, serves: "pages over a tenant's log, and pages of what was recorded in a time" },
  {
    keys: KIND_INDEX,
    serves: 'pages of rare types, and of what happened in a time',
  },
  {
    keys: LATE_INDEX,
    partialFilterExpression: { 'metadata.lateWithinMs': { $exists: true } },
    serves: 'asOf and a way: the events that came late. No other event is in it',
  },
];

/** Creates the indexes of a read model on one of its generations, and the collection where there is none yet. */
export async function createRowIndexes(
  db: Db,
  { indexes }: Projection,
  collection: string,
  log?: Logger,
): Promise<void> {
  if (indexes.length === 0) await db.createCollection(collection).catch(unlessItExists);
  await createIndexes(db.collection(collection), indexes, log);
}

/**
 * Creates what is missing; existing indexes are left alone. Asking for those that exist costs the server next to nothing.
 * @param log told where there were others but one was missing: somebody has dropped it
 */
export async function createIndexes<T extends object>(
  collection: Collection<T>,
  specs: readonly IndexSpec[],
  log?: Logger,
): Promise<void> {
  if (specs.length === 0) return;
  const { collectionName } = collection;
  const command = {
    createIndexes: collectionName,
    indexes: specs.map(({ keys, unique, partialFilterExpression }) => ({
      key: { ...keys },
      name: nameOf(keys),
      ...(unique === undefined ? {} : { unique }),
      ...(partialFilterExpression === undefined
        ? {}
        : { partialFilterExpression: { ...partialFilterExpression } }),
    })),
    writeConcern: { w: 'majority' },
  };
  const reply: unknown = await collection.db.command(command).catch((error: unknown) => {
    if (!hasCode(error, UNAUTHORIZED)) throw error;
    return requireIndexes(collection, specs);
  });
  const { numIndexesBefore: before, numIndexesAfter: after } = Object(reply);
  if (before !== after && before > 1)
    log?.warn({ collection: collectionName, before, after }, 'missing indexes made');
}

/** A process whose user may not make indexes finds some missing. */
export class IndexesMissing extends Error {
  override readonly name = 'IndexesMissing';
}

/**
 * Where this user may not make the indexes, they have to be there already: of the log nobody may but whoever makes the roles,
 * since an index that expires would remove events.
 * @throws IndexesMissing with what to do
 */
async function requireIndexes<T extends object>(
  collection: Collection<T>,
  specs: readonly IndexSpec[],
): Promise<undefined> {
  const found = await collection.indexes().catch((error: unknown) => {
    if (hasCode(error, NAMESPACE_NOT_FOUND)) return [];
    throw error;
  });
  const there = new Set(found.map(({ name }) => name));
  const missing = specs.map(({ keys }) => nameOf(keys)).filter((name) => !there.has(name));
  if (missing.length === 0) return;
  throw new IndexesMissing(
    `The collection ${collection.collectionName} lacks the index ${missing.join(', ')}, and this user of MongoDB may not make it. ` +
      'Run `waybill roles` once with a user who may.',
  );
}

/** As the driver and the shell name them. */
function nameOf(keys: IndexSpec['keys']): string {
  return Object.entries(keys).flat().join('_');
}

function unlessItExists(error: unknown): void {
  if (!hasCode(error, NAMESPACE_EXISTS)) throw error;
}
