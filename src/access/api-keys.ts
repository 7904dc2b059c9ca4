import type { ClientSession, Collection, Db, MongoClient } from 'mongodb';
import { noteAdminAction, openAdminActions } from '../eventstore/admin-actions.ts';
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
  /**
   * Takes on a key that somebody else made and keeps, of which only the hash is known here.
   * @returns false where it was taken on before @throws ApiKeyError where the name is taken
   */
  takeOn(wanted: {
    readonly keyHash: string;
    readonly tenantId: string;
    readonly carrierId: string;
    readonly name: string;
    readonly by: Actor;
    /** Said in the admin log, beside who asked: by what right. */
    readonly details: Readonly<Record<string, unknown>>;
  }): Promise<boolean>;
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
  await keys.createIndex(
    { tenantId: 1, name: 1 },
    { unique: true, partialFilterExpression: { revokedAt: { $type: 'null' } } },
  );
  await openAdminActions(db);
  /** Runs a change together with the insert of its record, in one transaction. */
  const recorded = <T>(change: (session: ClientSession) => Promise<T>): Promise<T> =>
    client.withSession((session) => session.withTransaction(() => change(session)));

  const insert = async (
    document: ApiKeyDocument,
    details: Readonly<Record<string, unknown>>,
  ): Promise<void> => {
    const { tenantId, createdBy: who, name } = document;
    try {
      await recorded(async (session) => {
        await keys.insertOne(document, { session });
        const after = stateOf(document);
        await noteAdminAction(db, { who, what: 'api-key created', tenantId, after, details }, session);
      });
    } catch (error) {
      if (!hasCode(error, 11000)) throw error;
      throw new ApiKeyError(
        `Tenant ${tenantId} has a key named "${name}" already; revoke it or choose another name.`,
      );
    }
  };

  return {
    async create({ tenantId, carrierId, name, by }) {
      const apiKey = newApiKey();
      const document = documentOf(hashApiKey(apiKey), { tenantId, carrierId, name, by });
      await insert(document, {});
      return { apiKey, document };
    },

    async takeOn({ keyHash, details, ...wanted }) {
      const isThere = async () =>
        (await keys.countDocuments({ _id: keyHash, tenantId: wanted.tenantId })) > 0;
      if (await isThere()) return false;
      try {
        await insert(documentOf(keyHash, wanted), details);
        return true;
      } catch (error) {
        // Two processes took it on at once.
        if (error instanceof ApiKeyError && (await isThere())) return false;
        throw error;
      }
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
        if (found) {
          const before = stateOf({ ...found, revokedAt: null });
          const after = stateOf(found);
          await noteAdminAction(db, { who: by, what: 'api-key revoked', tenantId, before, after }, session);
        }
        return found;
      });
      if (!document) throw new ApiKeyError(`Tenant ${tenantId} has no key named "${name}" that is in force.`);
      return document;
    },
  };
}

function documentOf(
  keyHash: string,
  { tenantId, carrierId, name, by }: Parameters<ApiKeys['create']>[0],
): ApiKeyDocument {
  const createdAt = new Date();
  return {
    _id: keyHash,
    tenantId,
    role: 'carrier',
    carrierId,
    name,
    createdAt,
    createdBy: by,
    revokedAt: null,
  };
}

/** A key as the admin log shows it. */
function stateOf({
  _id,
  name,
  role,
  carrierId,
  revokedAt,
}: ApiKeyDocument): Readonly<Record<string, unknown>> {
  return { keyId: apiKeyId(_id), name, role, carrierId, revokedAt };
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
