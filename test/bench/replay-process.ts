import { pino } from 'pino';
import { openStore } from '../../src/eventstore/open-store.ts';
import { rebuildProjection } from '../../src/eventstore/rebuild/rebuild.ts';
import { verifyProjection } from '../../src/eventstore/verify/verify.ts';
import { model } from '../../src/model.ts';
import { createClient } from '../../src/mongo/client.ts';
import { openThreads } from '../../src/process/replay-threads.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import { answerParent } from './apart.ts';

/** What this process is to do once. */
export interface ReplayOrder {
  readonly uri: string;
  readonly database: string;
  readonly what: 'rebuild' | 'rebuild in two threads' | 'verify';
}

const KIB_PER_MIB = 1_024;

/** @returns the peak of its memory, in MiB */
answerParent(async ({ uri, database, what }: ReplayOrder) => {
  const client = createClient(uri);
  const store = await openStore({
    client,
    db: client.db(database),
    log: pino({ level: 'silent' }),
    ...model,
  });
  if (what === 'verify') await verifyProjection(store, fleetStatus);
  else if (what === 'rebuild') await rebuildProjection(store, fleetStatus);
  else await rebuildProjection(store, fleetStatus, { openWorkers: openThreads(2, uri) });
  await store.snapshots.close();
  await client.close();
  return Math.round(process.resourceUsage().maxRSS / KIB_PER_MIB);
});
