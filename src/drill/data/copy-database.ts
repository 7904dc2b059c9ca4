import type { Db, Document } from 'mongodb';

/** Documents inserted together. */
const BATCH = 1_000;

/** A collection as a backup has it: of one moment, which may be another one than that of the next collection. */
export interface CopiedCollection {
  readonly name: string;
  readonly documents: number;
}

/** Copies a collection as it is at one moment, with its indexes, as a restore from a dump does. */
export async function copyCollection(from: Db, to: Db, name: string): Promise<CopiedCollection> {
  await to.createCollection(name);
  const indexes = await from.collection(name).indexes();
  const own = indexes.filter((index) => index.name !== '_id_').map(({ v: _, ...index }) => index);
  if (own.length > 0) await to.command({ createIndexes: name, indexes: own });
  let documents = 0;
  await from.client.withSession({ snapshot: true }, async (session) => {
    const snapshot = from.collection(name, { readConcern: { level: 'snapshot' } });
    let batch: Document[] = [];
    const write = async (): Promise<void> => {
      if (batch.length > 0) await to.collection(name).insertMany(batch);
      documents += batch.length;
      batch = [];
    };
    for await (const document of snapshot.find({}, { session, batchSize: BATCH })) {
      batch.push(document);
      if (batch.length === BATCH) await write();
    }
    await write();
  });
  return { name, documents };
}
