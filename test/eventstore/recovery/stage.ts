import type { Db } from 'mongodb';
import { expect } from 'vitest';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { startProjector } from '../../../src/eventstore/projection/projector.ts';
import { projectionStatus } from '../../../src/eventstore/projection/status.ts';
import { startRecovering } from '../../../src/eventstore/recovery/job.ts';
import { recoverAsync } from '../../../src/eventstore/recovery/recover.ts';
import { doubtSentences } from '../../../src/eventstore/recovery/sentences.ts';
import { type LogReplaced, watchLog } from '../../../src/eventstore/recovery/watch.ts';
import { verifyProjection } from '../../../src/eventstore/verify/verify.ts';
import type { TestDatabase } from '../../database.ts';
import { eventually } from '../../eventually.ts';
import { bareCounter, count } from '../counter.ts';
import { openBoth } from '../generation.ts';

/** What runs beside a gateway, with short times. */
export interface Running {
  readonly store: Store;
  /** Why it is not ready. */
  doubts(): Promise<string[]>;
  /** Resolves once it is ready, and says of each read model what a verification finds: nothing, it should be. */
  ready(): Promise<void>;
  /** Why it had to end. */
  readonly replaced: LogReplaced[];
  stop(): Promise<void>;
}

export async function run(database: TestDatabase): Promise<Running> {
  const store = await openBoth(database);
  const replaced: LogReplaced[] = [];
  const watch = watchLog(store, { lookMs: 50, onReplaced: (error) => replaced.push(error) });
  const projector = await startProjector(store, store.projections, {
    limits: { leaseMs: 600, leasePollMs: 50, idleSaveMs: 100 },
    recover: recoverAsync(store),
  });
  const recovering = startRecovering(store, { lookMs: 50, indexMs: 50, countMs: 50 });
  const doubts = () => doubtSentences(store, watch);
  return {
    store,
    doubts,
    replaced,
    async ready() {
      await eventually(async () => expect(await doubts()).toEqual([]));
      await eventually(async () => {
        for (const { lagMs, state } of await projectionStatus(store)) {
          expect(lagMs).toBe(0);
          expect(['inline', 'following']).toContain(state);
        }
      });
    },
    async stop() {
      await recovering.stop();
      await projector.stop();
      await watch.stop();
      await store.snapshots.close();
    },
  };
}

/** Counts once on each of these, by whoever writes rows. */
export async function countOn(store: Store, ids: readonly string[], amount = 1): Promise<void> {
  for (const outcome of await handleMany(
    store,
    ids.map((id) => count(id, { amount })),
  ))
    expect(outcome.kind).toBe('recorded');
}

/** The same, past all rows: for another process that records and whose rows were not copied. */
export async function countBare(store: Store, ids: readonly string[]): Promise<void> {
  await handleMany(
    store,
    ids.map((id) => count(id, { aggregate: bareCounter })),
  );
}

/** Asserts that every row is what the log says, and no row is missing or too many. */
export async function expectRight(store: Store): Promise<void> {
  for (const projection of store.projections) {
    const found: unknown[] = [];
    const report = await verifyProjection(store, projection, {
      patienceMs: 30_000,
      onFinding: (finding) => found.push(finding),
    });
    expect(found).toEqual([]);
    expect(report.behind).toBe(0);
    expect(report.complete).toBe(true);
  }
}

/** Copies collections as they are now, documents and indexes, as a restore does. */
export async function copy(from: Db, to: Db, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await to.collection(name).drop();
    await to.createCollection(name);
    const indexes = await from.collection(name).indexes();
    const own = indexes.filter((index) => index.name !== '_id_');
    if (own.length > 0)
      await to.command({ createIndexes: name, indexes: own.map(({ v: _, ...index }) => index) });
    const documents = await from.collection(name).find().toArray();
    if (documents.length > 0) await to.collection(name).insertMany(documents);
  }
}

/** Everything but the log. */
export async function collectionsBeside(db: Db, ...without: readonly string[]): Promise<string[]> {
  const all = await db.listCollections({}, { nameOnly: true }).toArray();
  return all.map(({ name }) => name).filter((name) => !without.includes(name));
}
