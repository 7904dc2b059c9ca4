import type { Db } from 'mongodb';
import type { KeyService } from './key-service.ts';
import { subjectKeysOf } from './subject-keys.ts';
import { newWrappingKey, purposeOf, readTenantKeys, tenantKeysOf } from './tenant-keys.ts';

/** A wrapping key that was replaced is kept this much longer, in ms: processes may still wrap with it. */
const KEPT_MS = 600_000;

/**
 * Gives a tenant a new wrapping key, by the newest key of the key service, and wraps the keys of its subjects with it. No
 * event, row or export is touched. The key before is dropped by the next rotation.
 * @returns how many keys of subjects were wrapped anew; null for a tenant without any
 */
export async function rotateKeys(db: Db, service: KeyService, tenantId: string): Promise<number | null> {
  const tenants = tenantKeysOf(db);
  const before = await tenants.findOne({ _id: tenantId });
  if (before === null) return null;
  const rewrapped = async (id: string, wrapped: string): Promise<string> => {
    const purpose = purposeOf(tenantId, id);
    return service.wrap(purpose, await service.unwrap(purpose, wrapped));
  };
  const index = await rewrapped('index', before.index);
  const wrapping = [];
  for (const key of before.wrapping) wrapping.push({ ...key, wrapped: await rewrapped(key.id, key.wrapped) });
  const fresh = await newWrappingKey(service, tenantId);
  const { matchedCount } = await tenants.updateOne(
    { _id: tenantId, wrapping: before.wrapping },
    { $set: { index, wrapping: [...wrapping, fresh] } },
  );
  if (matchedCount === 0) throw new Error(`The keys of tenant ${tenantId} are being rotated already.`);
  const count = await rewrapSubjects(db, service, tenantId);
  await tenants.updateOne(
    { _id: tenantId },
    { $pull: { wrapping: { id: { $in: await unused(db, tenantId) } } } },
  );
  return count;
}

async function rewrapSubjects(db: Db, service: KeyService, tenantId: string): Promise<number> {
  const keys = await readTenantKeys(db, service, tenantId);
  if (keys === null) return 0;
  const subjects = subjectKeysOf(db);
  let count = 0;
  for await (const { _id, by, wrapped } of subjects.find({
    tenantId,
    by: { $exists: true, $ne: keys.newest },
  })) {
    if (by === undefined || wrapped === undefined) continue;
    const key = keys.unwrap(_id, { by, wrapped });
    if (key === null) throw new Error(`The key of subject ${_id} is wrapped by one that is gone.`);
    // Not where it was erased meanwhile.
    const { modifiedCount } = await subjects.updateOne({ _id, by, wrapped }, { $set: keys.wrap(_id, key) });
    count += modifiedCount;
  }
  return count;
}

/** Wrapping keys that were replaced long ago, and that wrap nothing. */
async function unused(db: Db, tenantId: string): Promise<string[]> {
  const document = await tenantKeysOf(db).findOne({ _id: tenantId });
  const wrapping = document?.wrapping ?? [];
  const ids: string[] = [];
  for (const [place, { id }] of wrapping.entries()) {
    const next = wrapping[place + 1];
    if (next === undefined || next.since.getTime() > Date.now() - KEPT_MS) continue;
    if ((await subjectKeysOf(db).countDocuments({ tenantId, by: id }, { limit: 1 })) === 0) ids.push(id);
  }
  return ids;
}
