import { BSON, type Db, type MongoClient, MongoServerError } from 'mongodb';

/** What a search for clear text came to. */
export interface Swept {
  /** Documents that were searched, the oplog's too. */
  readonly searched: number;
  /** Where the same text stands, at most a hundred places, as `collection/_id`. */
  readonly places: readonly string[];
  readonly left: number;
  /** False where this user may not read the oplog: its entries were not searched. */
  readonly oplog: boolean;
}

/** A shorter text stands in too much that is about nobody. */
const MIN_BYTES = 4;
const PLACES = 100;
/** Unauthorized, and no such collection. */
const UNREADABLE: ReadonlySet<unknown> = new Set([13, 26]);

/**
 * Searches every document of the database, and the oplog, for texts: their bytes, as BSON has them. What is encrypted is
 * not found, which is what it proves. A text may be another person's, too: who reads the places decides.
 */
export async function sweep(client: MongoClient, db: Db, texts: readonly string[]): Promise<Swept> {
  const needles = [...new Set(texts)]
    .map((text) => Buffer.from(text))
    .filter(({ length }) => length >= MIN_BYTES);
  const places: string[] = [];
  let searched = 0;
  let left = 0;
  const search = async (of: Db, name: string): Promise<void> => {
    const documents = of.collection(name).find({}, { raw: true, batchSize: 1_000 });
    for await (const document of documents) {
      searched += 1;
      const bytes = bytesOf(document);
      if (!needles.some((needle) => bytes.includes(needle))) continue;
      left += 1;
      if (places.length < PLACES) places.push(`${name}/${idOf(bytes)}`);
    }
  };
  const collections = await db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray();
  for (const { name } of collections) if (!name.startsWith('system.')) await search(db, name);
  const oplog = await search(client.db('local'), 'oplog.rs').then(() => true, unlessUnreadable);
  return { searched, places, left, oplog };
}

function unlessUnreadable(error: unknown): false {
  if (error instanceof MongoServerError && UNREADABLE.has(error.code)) return false;
  throw error;
}

/** With `raw`, the driver hands out the bytes as they came. */
function bytesOf(document: unknown): Buffer {
  if (Buffer.isBuffer(document)) return document;
  throw new Error('A raw document is a buffer.');
}

function idOf(bytes: Buffer): string {
  const { _id, ts } = BSON.deserialize(bytes);
  return String(_id ?? ts);
}
