import { pause } from '../backoff.ts';
import { collectionIds } from '../database-identity.ts';
import { replacePointer } from '../projection/generation/pointer.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import { timelinesOf } from '../timeline.ts';

/**
 * Why the rows of a read model are not known to be what this log says: they were folded from another log, or before anyone
 * noted from which; their collection is another one than was noted; there are fewer than there were.
 */
export type DoubtCause = 'other log' | 'other collection' | 'fewer rows';

/** A read model that has to be compared with the log. */
export interface Doubt {
  readonly projection: Projection;
  readonly cause: DoubtCause;
}

type Looking = Pick<ReadModels, 'db' | 'live' | 'timeline' | 'projections'>;

/** Between two tries to change a pointer while a switch is on, in ms. */
const LOOK_MS = 100;

/** The read models that are not known to be of this log, as it is now. A few small reads, however many rows there are. */
export async function doubtsOf(store: Looking, projections = store.projections): Promise<Doubt[]> {
  const { live, timeline } = store;
  await live.refresh();
  const [ids, counts] = await Promise.all([idsOf(store, projections), countsOf(store)]);
  const doubts: Doubt[] = [];
  for (const projection of projections) {
    const collection = live.collectionOf(projection);
    const { proof } = live.pointer(projection);
    let cause: DoubtCause | undefined;
    if (proof?.timeline !== timeline.id) cause = 'other log';
    else if (ids.get(collection) !== proof.rows) cause = 'other collection';
    else if (await hasFewer(store, collection, counts[collection])) cause = 'fewer rows';
    if (cause !== undefined) doubts.push({ projection, cause });
  }
  return doubts;
}

/** The server's estimate is free, and right unless a mongod was killed: where it is less, the rows are counted. */
async function hasFewer({ db }: Looking, collection: string, known = 0): Promise<boolean> {
  const rows = db.collection(collection);
  if ((await rows.estimatedDocumentCount()) >= known) return false;
  return (await rows.countDocuments({}, { hint: { _id: 1 } })) < known;
}

/** True where most of the rows that were there are missing, or all: they are not worth to be looked for one by one. */
export async function hasFew(store: Looking, collection: string): Promise<boolean> {
  const counts = await countsOf(store);
  const rows = await store.db.collection(collection).countDocuments({}, { hint: { _id: 1 } });
  return rows === 0 || rows * 2 < (counts[collection] ?? 0);
}

/** Notes that these rows are of this log, and how many there are. Waits while a switch is on. */
export async function prove(store: Looking, projection: Projection, rows: string): Promise<void> {
  const { db, live, timeline } = store;
  const collection = live.collectionOf(projection);
  if ((await idsOf(store, [projection])).get(collection) !== rows)
    throw new Error(`The collection ${collection} was replaced while it was compared with the log.`);
  const count = await db.collection(collection).countDocuments({}, { hint: { _id: 1 } });
  await timelinesOf(db).updateOne({ id: timeline.id }, { $set: { [`rows.${collection}`]: count } });
  await changeProof(store, projection, collection, { timeline: timeline.id, rows });
}

/** Notes that these rows are not known to be of this log: whoever compares them may be killed before the end. */
export function doubt(store: Looking, projection: Projection): Promise<void> {
  return changeProof(store, projection, store.live.collectionOf(projection), undefined);
}

async function changeProof(
  { db, live }: Looking,
  projection: Projection,
  collection: string,
  proof: { readonly timeline: number; readonly rows: string } | undefined,
): Promise<void> {
  for (;;) {
    await live.refresh();
    // Another generation took over, which was folded from this log: its switch has noted so.
    if (live.collectionOf(projection) !== collection) return;
    const { proof: noted, ahead: _, ...rest } = live.pointer(projection);
    const isSame = noted?.timeline === proof?.timeline && noted?.rows === proof?.rows;
    if (isSame) return;
    if (rest.sealing === undefined) {
      const next = { ...rest, ...(proof === undefined ? {} : { proof }) };
      if ((await replacePointer(db, live.pointer(projection), next)) !== null) break;
    }
    await pause(LOOK_MS);
  }
  await live.refresh();
}

/** Notes of read models without a row, where the log has no event either, that they are of this log: nothing is to compare. */
export async function proveEmpty(store: Looking & Pick<ReadModels, 'events'>): Promise<void> {
  const { db, live, timeline, events } = store;
  const unproven = store.projections.filter(
    (each) => live.pointer(each).proof?.timeline !== timeline.id && live.newerRows(each) === undefined,
  );
  if (unproven.length === 0 || (await events.findOne({}, { projection: { _id: 1 } })) !== null) return;
  const ids = await idsOf(store, unproven);
  for (const projection of unproven) {
    const id = ids.get(live.collectionOf(projection));
    const row = await db.collection(live.collectionOf(projection)).findOne({}, { projection: { _id: 1 } });
    if (id !== undefined && row === null) await prove(store, projection, id);
  }
}

/** The ids of the collections in which these read models' rows are now. */
export function idsOf(
  { db, live }: Looking,
  projections: readonly Projection[],
): Promise<Map<string, string>> {
  return collectionIds(
    db,
    projections.map((projection) => live.collectionOf(projection)),
  );
}

async function countsOf({ db, timeline }: Looking): Promise<Readonly<Record<string, number>>> {
  const document = await timelinesOf(db).findOne({ id: timeline.id }, { projection: { rows: 1 } });
  return document?.rows ?? {};
}
