import type { ClientSession, Collection, Db, MongoClient } from 'mongodb';
import type { Actor } from '../eventstore/event.ts';
import { apiKeyId, hashApiKey, newApiKey } from './authenticate.ts';

/** A key as it is stored: its hash, never the key. */
export interface ApiKeyDocument {
  /** SHA-256 of the key, 64 hex digits. */
  readonly _id: string;
  readonly tenantId: string;
  readonly role: 'carrier';
  readonly carrierId: string;
  /** Its name for people; unique among a tenant's keys that are not revoked. */
  readonly name: string;
  readonly createdAt: Date;
  readonly createdBy: Actor;
  readonly revokedAt: Date | null;
  readonly revokedBy?: Actor;
}

/** What an administrator did, recorded apart from the business log (D-11). */
export interface ApiKeyAction {
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

/** The API keys of all tenants, for whoever makes and revokes them. */
export interface ApiKeys {
  /** Makes a key, which is in this answer and nowhere else. @throws ApiKeyError where the name is taken */
  create(wanted: {
    readonly tenantId: string;
    readonly carrierId: string;
    readonly name: string;
    readonly by: Actor;
  }): Promise<{ readonly apiKey: string; readonly document: ApiKeyDocument }>;
  /** A tenant's keys, revoked ones too, newest first. */
  list(tenantId: string, carrierId?: string): Promise<ApiKeyDocument[]>;
  /** Revokes the key of that name. @throws ApiKeyError where there is none */
  revoke(wanted: {
    readonly tenantId: string;
    readonly name: string;
    readonly by: Actor;
  }): Promise<ApiKeyDocument>;
}

/** Where the keys of all tenants are kept. */
export const apiKeysOf = (db: Db): Collection<ApiKeyDocument> =>
  db.collection<ApiKeyDocument>('api_keys', {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });

/** Opens the keys for administration, and makes the index that keeps their names unique. */
export async function openApiKeys(client: MongoClient, db: Db): Promise<ApiKeys> {
  const keys = apiKeysOf(db);
  const actions = db.collection<ApiKeyAction>('admin_actions');
  await keys.createIndex(
    { tenantId: 1, name: 1 },
    { unique: true, partialFilterExpression: { revokedAt: { $type: 'null' } } },
  );
  await db.createCollection('admin_actions').catch(ignoreExisting);
  /** Runs a change together with the insert of its record, in one transaction. */
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

function actionOf(action: ApiKeyAction['action'], key: ApiKeyDocument, actor: Actor, at: Date): ApiKeyAction {
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
