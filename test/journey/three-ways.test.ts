import fc from 'fast-check';
import { BSON } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handle } from '../../src/eventstore/command/handle.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import { type Projector, startProjector } from '../../src/eventstore/projection/projector.ts';
import type { Projection, Row } from '../../src/eventstore/projection.ts';
import { rebuildProjection } from '../../src/eventstore/rebuild/rebuild.ts';
import type { Finding } from '../../src/eventstore/verify/finding.ts';
import { verifyProjection } from '../../src/eventstore/verify/verify.ts';
import { projections } from '../../src/model.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { openWholeStore } from '../dispatch/stage.ts';
import { eventually } from '../eventually.ts';
import { driftOf, expectNoHoles, streamsOf } from '../log-oracle.ts';
import { BEGINNINGS, type Move, moves, openWorld } from './random-moves.ts';

let database: TestDatabase;
let stores: readonly [Store, Store];
let projector: Projector;
let worlds = 0;

beforeAll(async () => {
  database = await openDatabase();
  stores = [await openWholeStore(database), await openWholeStore(database)];
  projector = await startProjector(stores[0], projections);
});
afterAll(async () => {
  await projector.stop();
  await database.close();
});

/** Moves made at once. */
const AT_ONCE = 6;

/** Makes the moves, a few at a time, by two processes. @returns how many were recorded */
async function play(story: readonly Move[]): Promise<number> {
  const world = openWorld(`world-${++worlds}`);
  let recorded = 0;
  for (let first = 0; first < story.length; first += AT_ONCE) {
    const outcomes = await Promise.all(
      story
        .slice(first, first + AT_ONCE)
        .map((move, index) => handle(stores[index % 2 === 0 ? 0 : 1], world.intentOf(move))),
    );
    recorded += outcomes.filter(({ kind }) => kind === 'recorded').length;
  }
  return recorded;
}

/** Every row of every read model, byte for byte. */
async function rows(): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const projection of projections) {
    const collection = database.db.collection<Row>(await stores[1].live.collectionToRead(projection));
    for await (const row of collection.find().sort({ _id: 1 }))
      all[`${projection.name}/${row._id}`] = Buffer.from(BSON.serialize(row)).toString('base64');
  }
  return all;
}

async function findings(projection: Projection): Promise<Finding[]> {
  const found: Finding[] = [];
  await verifyProjection(stores[1], projection, { onFinding: (finding) => void found.push(finding) });
  return found;
}

describe('D-06, D-13 whatever happens to tenders, vehicles and routes, some of it told late', () => {
  it('rows written with it, rows folded again by a rebuild, and what verify expects are the same', async () => {
    const property = fc.asyncProperty(moves, async (story) => {
      const recorded = await play([...BEGINNINGS, ...story]);
      expect(recorded).toBeGreaterThan(BEGINNINGS.length);
      await eventually(async () => {
        const streams = await streamsOf(database.db);
        expectNoHoles(streams);
        expect(await driftOf(database.db, streams)).toEqual([]);
      });
      const incremental = await rows();
      await Promise.all(projections.map((projection) => rebuildProjection(stores[1], projection)));
      expect(await rows()).toEqual(incremental);
      for (const projection of projections) expect(await findings(projection)).toEqual([]);
    });
    // Each costs seconds, so what fails is told as it is, and not made smaller.
    await fc.assert(property, { numRuns: 4, endOnFailure: true });
  });
});
