import { LRUCache } from 'lru-cache';
import type { ClientSession, Collection, Db, MongoClient } from 'mongodb';
import type { Actor } from '../eventstore/event.ts';
import type { Access } from './access.ts';
import { apiKeyId, hashApiKey, newApiKey } from './api-key.ts';
import { type Authentication, ProofUnavailableError, refused } from './authenticate.ts';

/** How long a key that was good is taken for good without asking again, hence how long a revoked one lives on. */
export const API_KEY_CACHE_MS = 5_000;
const API_KEY_CACHE_KEYS = 10_000;
/** How long a look-up may take. */
const LOOK_UP_MS = 5_000;

/** A key as it is kept: by its hash, never itself. */
export interface ApiKeyDocument {
  /** SHA-256 of the key, 64 hex digits. */
  readonly _id: string;
  readonly tenantId: string;
  readonly role: 'carrier';
  readonly carrierId: string;
  /** What people call it; unique among a tenant's keys that are not revoked. */
  readonly name: string;
  readonly createdAt: Date;
  readonly createdBy: Actor;
  readonly revokedAt: Date | null;
  readonly revokedBy?: Actor;
}

/** What an administrator did, kept apart from the business log (D-11). */
export interface AdminAction {
  readonly action: 'ApiKeyCreated' | 'ApiKeyRevoked';
  readonly tenantId: string;
  readonly actor: Actor;
  readonly at: Date;
  readonly keyId: string;
  readonly keyName: string;
  readonly carrierId: string;
}

/** Nothing was done, and why, in a sentence for the operator. */
export class ApiKeyError extends Error {
  override readonly name = 'ApiKeyError';
}

/** The API keys of all tenants, for those who make and end them. */
export interface ApiKeys {
  /** Makes a key; only this answer ever holds it. Rejects with `ApiKeyError` where the name is taken. */
  create(wanted: {
    readonly tenantId: string;
    readonly carrierId: string;
    readonly name: string;
    readonly by: Actor;
  }): Promise<{ readonly apiKey: string; readonly document: ApiKeyDocument }>;
  /** A tenant's keys, revoked ones too, newest first. */
  list(tenantId: string, carrierId?: string): Promise<ApiKeyDocument[]>;
  /** Ends the key of that name. Rejects with `ApiKeyError` where there is none. */
  revoke(wanted: {
    readonly tenantId: string;
    readonly name: string;
    readonly by: Actor;
  }): Promise<ApiKeyDocument>;
}

const collectionOf = (db: Db): Collection<ApiKeyDocument> =>
  db.collection<ApiKeyDocument>('api_keys', {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });

/** Opens the keys for administration and makes the index that keeps names apart. */
export async function openApiKeys(client: MongoClient, db: Db): Promise<ApiKeys> {
  const keys = collectionOf(db);
  const actions = db.collection<AdminAction>('admin_actions');
  await keys.createIndex(
    { tenantId: 1, name: 1 },
    { unique: true, partialFilterExpression: { revokedAt: { $type: 'null' } } },
  );
  await db.createCollection('admin_actions').catch(ignoreExisting);
  /** A change and its record stand or fall together. */
  const recorded = <T>(change: (session: ClientSession) => Promise<T>): Promise<T> =>
    client.withSession((session) => session.withTransaction(() => change(session)));

  return {
    async create({ tenantId, carrierId, name, by }) {
      const apiKey = newApiKey();
      const document: ApiKeyDocument = {
        _id: hashApiKey(apiKey),
        tenantId,
        role: 'carrier',
        carrierId,
        name,
        createdAt: new Date(),
        createdBy: by,
        revokedAt: null,
      };
      try {
        await recorded(async (session) => {
          await keys.insertOne(document, { session });
          await actions.insertOne(actionOf('ApiKeyCreated', document, by, document.createdAt), { session });
        });
      } catch (error) {
        if (!hasCode(error, 11000)) throw error;
        throw new ApiKeyError(
          `Tenant ${tenantId} has a key named "${name}" already; revoke it or choose another name.`,
        );
      }
      return { apiKey, document };
    },

    list: (tenantId, carrierId) =>
      keys
        .find({ tenantId, ...(carrierId === undefined ? {} : { carrierId }) })
        .sort({ createdAt: -1 })
        .toArray(),

    async revoke({ tenantId, name, by }) {
      const revokedAt = new Date();
      const document = await recorded(async (session) => {
        const found = await keys.findOneAndUpdate(
          { tenantId, name, revokedAt: null },
          { $set: { revokedAt, revokedBy: by } },
          { session, returnDocument: 'after' },
        );
        if (found) await actions.insertOne(actionOf('ApiKeyRevoked', found, by, revokedAt), { session });
        return found;
      });
      if (!document) throw new ApiKeyError(`Tenant ${tenantId} has no key named "${name}" that is in force.`);
      return document;
    },
  };
}

/**
 * Makes the check of API keys. A good key is remembered for a moment; unknown ones are looked up each time, so
 * that guesses can't push good keys out. Concurrent look-ups of one key are one.
 */
export function apiKeyVerifier(db: Db): (apiKey: string) => Promise<Authentication> {
  const keys = collectionOf(db);
  const good = new LRUCache<string, Access>({
    max: API_KEY_CACHE_KEYS,
    ttl: API_KEY_CACHE_MS,
    fetchMethod: async (hash) => {
      const found = await keys.findOne({ _id: hash, revokedAt: null }, { maxTimeMS: LOOK_UP_MS });
      if (!found) return undefined;
      const { tenantId, role, carrierId } = found;
      return { tenantId, sub: apiKeyId(hash), role, carrierId };
    },
  });
  return async (apiKey) => {
    try {
      const access = await good.fetch(hashApiKey(apiKey));
      return access ? { access } : refused('invalid', 'The API key is unknown or revoked.');
    } catch (error) {
      throw new ProofUnavailableError('API keys cannot be looked up now.', { cause: error });
    }
  };
}

function actionOf(action: AdminAction['action'], key: ApiKeyDocument, actor: Actor, at: Date): AdminAction {
  const { tenantId, name: keyName, carrierId } = key;
  return { action, tenantId, actor, at, keyId: apiKeyId(key._id), keyName, carrierId };
}

/** Another process made the collection a moment ago. */
function ignoreExisting(error: unknown): void {
  if (!hasCode(error, 48)) throw error;
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
