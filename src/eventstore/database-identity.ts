import type { Db, MongoClient } from 'mongodb';

/**
 * The ids that the server gave to collections, by name: those of them that exist. A collection that is dropped and made
 * again, or restored from a copy, gets another id; one that is renamed keeps it.
 */
export async function collectionIds(db: Db, names: readonly string[]): Promise<Map<string, string>> {
  const found = await db.listCollections({ name: { $in: [...names] } }, { nameOnly: false }).toArray();
  return new Map(
    found.map((collection) => {
      const uuid: unknown = 'info' in collection ? collection.info?.uuid : undefined;
      return [collection.name, String(uuid)];
    }),
  );
}

/**
 * The id that a replica set got when it was initiated; that of a sharded cluster. A copy of the data that was initiated
 * anew, as MongoDB's own instructions for a restore say, has another one. Undefined where this user may not ask.
 */
export async function replicaSetIdOf(client: MongoClient): Promise<string | undefined> {
  try {
    const { config } = await client.db('admin').command({ replSetGetConfig: 1 });
    const id: unknown = config?.settings?.replicaSetId;
    if (id !== undefined) return String(id);
  } catch {
    // Most users may not; and a mongos has no replica set.
  }
  try {
    const version = await client
      .db('config')
      .collection('version')
      .findOne({ clusterId: { $exists: true } });
    return version === null ? undefined : String(version.clusterId);
  } catch {
    return undefined;
  }
}
