import { clusterNow } from '../changes.ts';
import { divideStreams } from '../log/ranges.ts';
import { buildingCollection, generationCollection, isBuilding } from '../projection/generation/pointer.ts';
import { liftSeal } from '../projection/generation/seal.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { nextGeneration } from './pointer.ts';
import { beginRebuild, type RebuildProgress, resumeRebuild } from './progress.ts';
import type { RebuildRun } from './run.ts';

/** Goes on from what an earlier run left, if its rows are still there; otherwise begins. */
export async function startOrResume(run: RebuildRun): Promise<{
  readonly progress: RebuildProgress;
  readonly resumed: boolean;
}> {
  const { store, projection, lease } = run;
  const { db } = store;
  const generation = await nextGeneration(store, projection);
  const knows = store.registry.kindsOf(projection.aggregateType);
  const timeline = store.timeline.id;
  const left = await resumeRebuild(db, projection, { generation, fence: lease.fence, knows, timeline });
  if (left !== null) {
    const isComplete = left.done.length === left.ranges.length;
    const moved = isComplete && (await exists(store, generationCollection(projection.name, generation)));
    if (moved || (await exists(store, left.building))) return { progress: left, resumed: true };
  }
  await dropLeftovers(run, generation);
  // Another name than that of whoever held the lease before, who must not write into it.
  const building = buildingCollection(projection.name, lease.fence);
  await db.createCollection(building);
  const pinnedAt = await clusterNow(db);
  const division = await divideStreams(store, projection.aggregateType);
  const start = { ...division, generation, knows, timeline, building, pinnedAt, fence: lease.fence };
  return { progress: await beginRebuild(db, projection, start), resumed: false };
}

/**
 * Drops what earlier rebuilds left. None of it is live; and once their switches are called off, none can become so: a
 * rebuild that was held up just before its last step must not put in place what is dropped here.
 */
async function dropLeftovers({ store, projection, by }: RebuildRun, generation: number): Promise<void> {
  const { db, live } = store;
  const { name } = projection;
  for (await live.refresh(); live.pointer(projection).sealing !== undefined; await live.refresh())
    await liftSeal(db, live.pointer(projection), live.collectionOf(projection), by);
  for (const { name: collection } of await db.listCollections({}, { nameOnly: true }).toArray())
    if (collection === generationCollection(name, generation) || isBuilding(name, collection))
      await db.dropCollection(collection);
}

/** Whether there is such a collection. */
export async function exists({ db }: ReadModels, collection: string): Promise<boolean> {
  return db.listCollections({ name: collection }, { nameOnly: true }).hasNext();
}
