import type { Collection, Db, Timestamp } from 'mongodb';
import { isDuplicateKey } from '../faults.ts';
import type { StreamRange } from '../log/ranges.ts';
import type { Projection } from '../projection.ts';
import { type FaultyStream, NAMED_FAULTS, type RangeLoad } from './load.ts';
import { RebuildLost } from './refused.ts';

/** How far a rebuild has come, as it is stored: the next one goes on from there if this one is killed. */
export interface RebuildProgress {
  /** The projection's name. */
  readonly _id: string;
  /** Of the lease under which it goes on; whoever holds an older one is out. */
  readonly fence: number;
  /** What is built, by code of which version. */
  readonly generation: number;
  readonly version: number;
  /** The event types and versions that this code knows: what was folded by other code is not gone on with. */
  readonly knows: readonly string[];
  /** Of the log that it is folded from: what was built from another one is of no use. */
  readonly timeline: number;
  readonly building: string;
  /** Everything committed until then is in the ranges; what came later is caught up with. */
  readonly pinnedAt: Timestamp;
  readonly ranges: readonly StreamRange[];
  /** Indexes of the ranges that are loaded. */
  readonly done: readonly number[];
  readonly events: number;
  readonly streams: number;
  readonly faulty: number;
  readonly faults: readonly FaultyStream[];
  readonly startedAt: Date;
  readonly updatedAt: Date;
}

export const REBUILDS = 'projection_rebuilds';

export function rebuildsOf(db: Db): Collection<RebuildProgress> {
  return db.collection<RebuildProgress>(REBUILDS, {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
}

/** Takes over what an earlier rebuild of the same rows has left. @returns null where there is nothing to go on from */
export async function resumeRebuild(
  db: Db,
  { name, version }: Projection,
  {
    generation,
    fence,
    knows,
    timeline,
  }: Pick<RebuildProgress, 'generation' | 'fence' | 'knows' | 'timeline'>,
): Promise<RebuildProgress | null> {
  return rebuildsOf(db).findOneAndUpdate(
    { _id: name, version, knows, generation, timeline, fence: { $lte: fence } },
    { $set: { fence, updatedAt: new Date() } },
    { returnDocument: 'after' },
  );
}

/** Begins from nothing. @throws RebuildLost */
export async function beginRebuild(
  db: Db,
  { name, version }: Projection,
  start: Pick<
    RebuildProgress,
    'generation' | 'knows' | 'timeline' | 'building' | 'pinnedAt' | 'fence' | 'ranges'
  >,
): Promise<RebuildProgress> {
  const { generation, knows, timeline, building, pinnedAt, fence, ranges } = start;
  const now = new Date();
  const none = { done: [], events: 0, streams: 0, faulty: 0, faults: [] };
  const place = { generation, version, knows, timeline, building, pinnedAt, fence, ranges };
  const progress = { _id: name, ...place, ...none, startedAt: now, updatedAt: now };
  try {
    await rebuildsOf(db).replaceOne({ _id: name, fence: { $lte: fence } }, progress, { upsert: true });
  } catch (error) {
    if (isDuplicateKey(error)) throw new RebuildLost(name);
    throw error;
  }
  return progress;
}

/** Notes that a range is loaded. @throws RebuildLost */
export async function markDone(
  db: Db,
  { _id, fence }: RebuildProgress,
  range: number,
  { events, streams, faulty, faults }: RangeLoad,
): Promise<void> {
  const { matchedCount } = await rebuildsOf(db).updateOne(
    { _id, fence, done: { $ne: range } },
    {
      $push: { done: range, faults: { $each: [...faults], $slice: NAMED_FAULTS } },
      $inc: { events, streams, faulty },
      $set: { updatedAt: new Date() },
    },
  );
  // It is no loss where the range is noted already: by this very update, which the driver sent twice for a lost reply.
  if (matchedCount === 0 && (await rebuildsOf(db).countDocuments({ _id, fence })) === 0)
    throw new RebuildLost(_id);
}

/** The rebuild is over: nothing is left to go on from. */
export async function endRebuild(db: Db, { _id, fence }: RebuildProgress): Promise<void> {
  await rebuildsOf(db).deleteOne({ _id, fence });
}
