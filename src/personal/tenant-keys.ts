import { randomBytes } from 'node:crypto';
import type { Collection, Db } from 'mongodb';
import { isDuplicateKey } from '../eventstore/faults.ts';
import { newId } from '../eventstore/ids.ts';
import { KEY_BYTES, unwrapKey, wrapKey } from './cipher.ts';
import type { KeyService } from './key-service.ts';

export const TENANT_KEYS = 'tenant_keys';

/** A key that wraps those of data subjects, as the key service wrapped it. */
export interface WrappingKey {
  readonly id: string;
  readonly wrapped: string;
  readonly since: Date;
}

/** The keys of a tenant, each as the key service wrapped it. */
export interface TenantKeysDocument {
  readonly _id: string;
  /** Names data subjects and what can be looked up. Never rotated: the log has those names. */
  readonly index: string;
  /** Wrap the keys of data subjects: the last one new ones, those before it until they are rewrapped. */
  readonly wrapping: readonly WrappingKey[];
}

/** The keys of a tenant, to be used. */
export interface TenantKeys {
  readonly index: Buffer;
  /** Wraps the key of a data subject. */
  wrap(subject: string, key: Buffer): { readonly by: string; readonly wrapped: string };
  /** @returns null where it is wrapped by a key that is not known here (yet) */
  unwrap(subject: string, kept: { readonly by: string; readonly wrapped: string }): Buffer | null;
  /** Which of them wraps. */
  readonly newest: string;
}

export function tenantKeysOf(db: Db): Collection<TenantKeysDocument> {
  return db.collection<TenantKeysDocument>(TENANT_KEYS, {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
}

/** @returns null where the tenant has none: nothing personal was ever recorded for it */
export async function readTenantKeys(
  db: Db,
  service: KeyService,
  tenantId: string,
): Promise<TenantKeys | null> {
  const document = await tenantKeysOf(db).findOne({ _id: tenantId });
  if (document === null) return null;
  const index = await service.unwrap(purposeOf(tenantId, 'index'), document.index);
  const wrapping = new Map<string, Buffer>();
  for (const { id, wrapped } of document.wrapping)
    wrapping.set(id, await service.unwrap(purposeOf(tenantId, id), wrapped));
  const newest = document.wrapping.at(-1)?.id ?? '';
  return {
    index,
    newest,
    wrap(subject, key) {
      const by = wrapping.get(newest);
      if (by === undefined) throw new Error(`Tenant ${tenantId} has no wrapping key.`);
      return { by: newest, wrapped: wrapKey(by, subject, key) };
    },
    unwrap(subject, { by, wrapped }) {
      const key = wrapping.get(by);
      return key === undefined ? null : unwrapKey(key, subject, wrapped);
    },
  };
}

/** As `readTenantKeys`, and makes them where there are none; of several who do so at once, the first one's stand. */
export async function openTenantKeys(db: Db, service: KeyService, tenantId: string): Promise<TenantKeys> {
  const known = await readTenantKeys(db, service, tenantId);
  if (known !== null) return known;
  const index = await service.wrap(purposeOf(tenantId, 'index'), randomBytes(KEY_BYTES));
  try {
    await tenantKeysOf(db).insertOne({
      _id: tenantId,
      index,
      wrapping: [await newWrappingKey(service, tenantId)],
    });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
  const made = await readTenantKeys(db, service, tenantId);
  if (made === null) throw new Error(`The keys of tenant ${tenantId} are gone.`);
  return made;
}

export async function newWrappingKey(service: KeyService, tenantId: string): Promise<WrappingKey> {
  const id = newId();
  const wrapped = await service.wrap(purposeOf(tenantId, id), randomBytes(KEY_BYTES));
  return { id, wrapped, since: new Date() };
}

/** What a key of a tenant is for, as the key service is told. */
export function purposeOf(tenantId: string, id: string): string {
  return JSON.stringify(['waybill', 'tenant', tenantId, id]);
}
