import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterNow } from '../../../src/eventstore/changes.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { type Projector, startProjector } from '../../../src/eventstore/projection/projector.ts';
import type { Projection } from '../../../src/eventstore/projection.ts';
import { awaitProjector } from '../../../src/eventstore/verify/await-projector.ts';
import type { Finding } from '../../../src/eventstore/verify/finding.ts';
import type { VerifyOptions } from '../../../src/eventstore/verify/verification.ts';
import { verifyProjection } from '../../../src/eventstore/verify/verify.ts';
import { projections } from '../../../src/model.ts';
import { fleetStatus } from '../../../src/vehicle/projection.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { openWholeStore } from '../../dispatch/stage.ts';
import { driftOf, streamsOf } from '../../log-oracle.ts';
import { damage, goOn, keepWriting, openWorld, type Stream, told, type World } from './world.ts';

const LIMITS = { leaseMs: 600, leasePollMs: 50, idleSaveMs: 100 } as const;

/** Of each kind, three events in each. */
const STREAMS = 1_000;

let database: TestDatabase;
let store: Store;
let projector: Projector;
let world: World;

beforeAll(async () => {
  database = await openDatabase();
  store = await openWholeStore(database);
  projector = await startProjector(store, projections, {
    limits: LIMITS,
  });
  world = await openWorld(store, STREAMS);
  await awaitProjector(store, fleetStatus, await clusterNow(store.db), 20_000);
});
afterAll(async () => {
  await projector.stop();
  await database.close();
});

async function verify(projection: Projection, options: VerifyOptions = {}) {
  const findings: Finding[] = [];
  const report = await verifyProjection(store, projection, {
    ...options,
    onFinding: (finding) => findings.push(finding),
  });
  return { findings, report };
}

describe('D-13 read models that are right', () => {
  it('have nothing to be named, while they are written, and are counted', async () => {
    const writing = keepWriting(store, rest(world));
    for (const projection of projections) {
      const { findings, report } = await verify(projection);
      expect(findings).toEqual([]);
      expect(report.rows).toBeGreaterThanOrEqual(STREAMS);
      expect(report.events).toBeGreaterThanOrEqual(3 * STREAMS);
      expect(report.behind).toBe(0);
    }
    await writing.stop();
  });
});

const rest = (of: World): World => ({
  tenders_read: of.tenders_read.slice(STREAMS - 60),
  route_summary: of.route_summary.slice(STREAMS - 60),
  fleet_status: of.fleet_status.slice(STREAMS - 60),
  approvals_read: of.approvals_read.slice(STREAMS - 60),
});

describe('D-13 rows that were damaged', () => {
  it.each(projections)(
    'are all named and no other, and are mended, while others are written: $name',
    async (projection) => {
      const part = world[projection.name as keyof World].slice(0, 200);
      const wrong = await damage(store, projection, part);
      const writing = keepWriting(store, rest(world));
      const { findings, report } = await verify(projection);
      expect(told(findings)).toEqual(wrong);
      expect(report.findings).toMatchObject({ wrong: 50, missing: 50, extra: 50, stale: 50 });
      expect(report.checksums.rows).not.toBe(report.checksums.log);

      const repair = await verify(projection, { repair: true });
      await writing.stop();
      expect(told(repair.findings)).toEqual(wrong);
      expect(repair.report.repaired).toBe(200);
      const again = await verify(projection);
      expect(again.findings).toEqual([]);
      expect(again.report.checksums.rows).toBe(again.report.checksums.log);
      expect(await driftOf(database.db, await streamsOf(database.db), [projection])).toEqual([]);
    },
  );
});

describe('D-13 rows of a read model whose projector is not at work', () => {
  it('are not named for being behind, and are once it is level', async () => {
    await projector.stop();
    const [one, two, three] = world.fleet_status.map(({ tenantId, id }) => `${tenantId}/${id}`);
    const rows = database.db.collection<{ _id: string }>('fleet_status');
    const earlier = await rows.find({ _id: { $in: [one ?? '', two ?? ''] } }).toArray();
    const none = { tenders_read: [], route_summary: [], approvals_read: [] };
    await goOn(store, { ...none, fleet_status: world.fleet_status.slice(0, 3) }, 9);
    await rows.updateOne({ _id: three ?? '' }, { $set: { fleetId: 'south' } });
    const before = await verify(fleetStatus, { patienceMs: 100 });
    expect(before.report).toMatchObject({ behind: 2, findings: { stale: 0 } });
    expect(told(before.findings)).toEqual([`wrong ${three}`]);

    projector = await startProjector(store, projections, { limits: LIMITS });
    await awaitProjector(store, fleetStatus, await clusterNow(store.db), 20_000);
    for (const { _id, ...row } of earlier) await rows.replaceOne({ _id }, row);
    // Whoever recorded the events knows the third row better than the database did.
    const after = await verify(fleetStatus);
    expect(told(after.findings)).toEqual([`stale ${one}`, `stale ${two}`].sort());
  });

  it('are mended for good, though it had them in memory as they were', async () => {
    const part = {
      tenders_read: [],
      route_summary: [],
      approvals_read: [],
      fleet_status: world.fleet_status.slice(0, 5),
    };
    await projector.stop();
    const wrong = await damageFleet(part.fleet_status);
    projector = await startProjector(await openWholeStore(database), projections, { limits: LIMITS });
    // Not the process that writes them: it reads these rows, folds on, and keeps what it has made of them.
    await goOn(store, part, 9);
    await awaitProjector(store, fleetStatus, await clusterNow(store.db), 20_000);
    const { findings } = await verify(fleetStatus, { repair: true });
    expect(told(findings)).toEqual(wrong);
    await goOn(store, part, 10);
    await awaitProjector(store, fleetStatus, await clusterNow(store.db), 20_000);
    expect((await verify(fleetStatus)).findings).toEqual([]);
  });
});

/** @returns what is wrong now */
async function damageFleet(of: readonly Stream[]): Promise<string[]> {
  const ids = of.map(({ tenantId, id }) => `${tenantId}/${id}`);
  const rows = database.db.collection<{ _id: string }>('fleet_status');
  await rows.updateMany({ _id: { $in: ids } }, { $set: { fleetId: 'south' } });
  return ids.map((id) => `wrong ${id}`).sort();
}
