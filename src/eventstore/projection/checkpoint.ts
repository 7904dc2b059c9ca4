import type { ClientSession, Collection, Db, ResumeToken } from 'mongodb';
import type { Behind } from './behind.ts';

/** How far a read model has followed the log. */
export interface Checkpoint {
  /** The projection's name. */
  readonly _id: string;
  /** Of the lease under which this may be written; a projector with an older one writes nothing more. */
  readonly fence: number;
  readonly version: number;
  /** Where to go on; absent until the first catch-up is done. */
  readonly token?: ResumeToken;
  readonly phase: 'catching_up' | 'following';
  /** The newest recordedAt that was folded. */
  readonly lastRecordedAt?: Date;
  /** Everything that was recorded until then is folded: the read model was level with the log. */
  readonly levelAt?: Date;
  /** How long the oldest event of the last batch had been recorded when the projector got it. */
  readonly lagMs: number;
  /** Rows left behind, by an event that cannot be folded. */
  readonly behind: readonly Behind[];
  /** There are more of those than are listed: the next start compares every row with the log. */
  readonly moreBehind: boolean;
  /** The event types and versions that its present projector knows, by name. */
  readonly knows?: readonly string[];
  /** Those that any projector knew who wrote these rows: who knows fewer must not trust them. */
  readonly kinds?: readonly string[];
  readonly updatedAt: Date;
}

export type CheckpointChanges = Partial<Omit<Checkpoint, '_id' | 'fence' | 'updatedAt'>>;

/** Another projector has taken over: this one writes nothing more. */
export class FencedOut extends Error {}

export const CHECKPOINTS = 'projection_checkpoints';

export function checkpointsOf(db: Db): Collection<Checkpoint> {
  return db.collection<Checkpoint>(CHECKPOINTS, {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
}

/**
 * Puts the fence into the checkpoint, which shuts out every earlier holder, and only then reads how far they came.
 * @throws FencedOut when a later holder was faster
 */
export async function claimCheckpoint(
  db: Db,
  name: string,
  version: number,
  fence: number,
  knows: readonly string[] = [],
): Promise<Checkpoint> {
  const checkpoints = checkpointsOf(db);
  const updatedAt = new Date();
  const fresh = freshAt(version);
  await checkpoints.updateOne(
    { _id: name },
    { $setOnInsert: { fence, updatedAt, ...fresh } },
    { upsert: true },
  );
  const claimed = await checkpoints.findOneAndUpdate(
    { _id: name, fence: { $lte: fence } },
    { $set: { fence, updatedAt, knows: [...knows] }, $addToSet: { kinds: { $each: [...knows] } } },
    { returnDocument: 'after' },
  );
  if (claimed === null) throw new FencedOut(name);
  return claimed;
}

function freshAt(version: number) {
  return { version, phase: 'catching_up', lagMs: 0, behind: [], moreBehind: false } as const;
}

/** Forgets how far the read model came: that was said of another log. @throws FencedOut */
export async function restartCheckpoint(db: Db, name: string, version: number, fence: number): Promise<void> {
  const $set = { ...freshAt(version), updatedAt: new Date() };
  const $unset = { token: true, levelAt: true, lastRecordedAt: true } as const;
  const { matchedCount } = await checkpointsOf(db).updateOne({ _id: name, fence }, { $set, $unset });
  if (matchedCount === 0) throw new FencedOut(name);
}

/**
 * Saves progress, within a transaction or alone.
 * @throws FencedOut when another has taken over
 */
export async function saveCheckpoint(
  db: Db,
  name: string,
  fence: number,
  progress: CheckpointChanges,
  session?: ClientSession,
): Promise<void> {
  // A transaction brings its own concerns; a collection's would be refused inside it.
  const checkpoints = session === undefined ? checkpointsOf(db) : db.collection<Checkpoint>(CHECKPOINTS);
  const { matchedCount } = await checkpoints.updateOne(
    { _id: name, fence },
    { $set: { ...progress, updatedAt: new Date() } },
    session === undefined ? {} : { session },
  );
  if (matchedCount === 0) throw new FencedOut(name);
}
