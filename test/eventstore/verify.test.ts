import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clusterNow } from '../../src/eventstore/changes.ts';
import { type Projector, startProjector } from '../../src/eventstore/project.ts';
import type { Projection } from '../../src/eventstore/projection.ts';
import type { Store } from '../../src/eventstore/store.ts';
import { type VerifyOptions, verifyProjection } from '../../src/eventstore/verify.ts';
import type { Finding } from '../../src/eventstore/verify-finding.ts';
import { awaitLevel } from '../../src/eventstore/verify-level.ts';
import { projections } from '../../src/model.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { openWholeStore } from '../dispatch/stage.ts';
import { driftOf, streamsOf } from '../log-oracle.ts';
import { damage, keepWriting, openWorld, told, type World } from './verify-world.ts';

let database: TestDatabase;
let store: Store;
let projector: Projector;
let world: World;

beforeEach(async () => {
  database = await openDatabase();
  store = await openWholeStore(database);
  projector = await startProjector(store, projections, {
    limits: { leaseMs: 600, leasePollMs: 50, idleSaveMs: 100 },
  });
  world = await openWorld(store, 300);
  await awaitLevel(store, fleetStatus, await clusterNow(store.db));
});
afterEach(async () => {
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
    const writing = keepWriting(store, { ...world });
    for (const projection of projections) {
      const { findings, report } = await verify(projection);
      expect(findings).toEqual([]);
      expect(report.rows).toBeGreaterThanOrEqual(300);
      expect(report.events).toBeGreaterThanOrEqual(900);
      expect(report.behind).toBe(0);
    }
    await writing.stop();
  });
});

const rest = (of: World): World => ({
  tenders_read: of.tenders_read.slice(200),
  route_summary: of.route_summary.slice(200),
  fleet_status: of.fleet_status.slice(200),
});
const damagedPart = (projection: Projection) => world[projection.name as keyof World].slice(0, 120);

describe('D-13 rows that were damaged', () => {
  it.each(projections)('are all named and no other, while others are written: $name', async (projection) => {
    const wrong = await damage(store, projection, damagedPart(projection));
    const writing = keepWriting(store, rest(world));
    const { findings, report } = await verify(projection);
    await writing.stop();
    expect(told(findings)).toEqual(wrong);
    expect(report.findings).toMatchObject({ wrong: 30, missing: 30, extra: 30, stale: 30 });
    expect(report.checksums.rows).not.toBe(report.checksums.log);
  });

  it.each(projections)('are mended, while others are written: $name', async (projection) => {
    const wrong = await damage(store, projection, damagedPart(projection));
    const writing = keepWriting(store, rest(world));
    const { findings, report } = await verify(projection, { repair: true });
    await writing.stop();
    expect(told(findings)).toEqual(wrong);
    expect(report.repaired).toBe(120);
    const again = await verify(projection);
    expect(again.findings).toEqual([]);
    expect(again.report.checksums.rows).toBe(again.report.checksums.log);
    expect(await driftOf(database.db, await streamsOf(database.db))).toEqual([]);
  });
});
