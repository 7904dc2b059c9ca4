import { leaseHolders } from '../lease.ts';
import type { Projection } from '../projection.ts';
import { checkpointsOf } from './checkpoint.ts';
import type { ReadModels } from './read-models.ts';

/**
 * Who projects and has left rows behind at events that it does not know, where this process knows them. While a newer
 * version is rolled out, its projector takes over as soon as it is needed, and the older one goes on waiting: it
 * knows nothing that would make it take the lease back.
 */
export async function holderToRelieve(
  { db, registry }: Pick<ReadModels, 'db' | 'registry'>,
  { name, aggregateType }: Projection,
): Promise<string | undefined> {
  const checkpoint = await checkpointsOf(db).findOne(
    { _id: name },
    { projection: { behind: 1, knows: 1, kinds: 1 } },
  );
  if (checkpoint === null) return undefined;
  const { behind, knows = [] } = checkpoint;
  const mine = registry.kindsOf(aggregateType);
  const isNeeded = behind.some(
    ({ newer }) => newer !== undefined && mine.includes(newer) && !knows.includes(newer),
  );
  return isNeeded ? (await leaseHolders(db)).get(name) : undefined;
}
