import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pointersOf, readPointer } from '../../src/eventstore/projection/generation.ts';
import type { Row } from '../../src/eventstore/projection.ts';
import { rebuildsOf } from '../../src/eventstore/rebuild/progress.ts';
import { projections } from '../../src/model.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { eventually, untilTrue } from '../eventually.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { driftOf, streamsOf } from '../log-oracle.ts';
import { driveVehicles, insertFleet, recordStories } from '../model-log.ts';
import { expectSentence, MAIN, startGateway as startProcess, waybill, waybillProcess } from './command.ts';
import { variablesOf } from './event-files.ts';

const drift = async (db: Db) => driftOf(db, await streamsOf(db), projections);
const level = (db: Db) => eventually(async () => expect(await drift(db)).toEqual([]));

describe('waybill rebuild, beside a gateway that serves', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway();
    await recordStories(gateway.store, 4);
    await level(gateway.database.db);
  });
  afterAll(() => gateway.close());
  const rebuild = (...args: string[]) => waybill(['rebuild', ...args], variablesOf(gateway.database));

  it('rebuilds each read model, and says what it did', async () => {
    const { drive } = await driveVehicles(gateway.store, 10);
    let driving = true;
    const driver = (async () => {
      for (let round = 0; driving && round < 300; round++) await drive();
    })();
    for (const [index, { name }] of projections.entries()) {
      const args = ['rebuild', name, '--workers', String(index + 1)];
      // Threads are only where the program is built.
      const ended = await waybillProcess(args, variablesOf(gateway.database));
      expect(ended.stderr).not.toMatch(/warn|error/i);
      expect(ended.stdout).toMatch(
        new RegExp(`^${name}: [\\d,]+ rows of [\\d,]+ streams and [\\d,]+ events in`),
      );
      expect(ended.stdout).toMatch(/Generation 2 is live; the one before, with [\d,]+ rows, is kept/);
      expect(ended.code).toBe(0);
    }
    driving = false;
    await driver;
    await level(gateway.database.db);
    expect((await rebuild('fleet_status')).stdout).toContain('Generation 3 is live');
  });

  it('rebuilds one row, given as the API gives it or bare', async () => {
    const { db } = gateway.database;
    const pointer = await readPointer(db, 'tenders_read');
    const rows = db.collection<Row>(pointer?.generation === 2 ? 'tenders_read_v2' : 'tenders_read');
    const row = await rows.findOne({ tenantId: 'bolt', lastSequence: 4 });
    if (row === null) throw new Error('There is no such row.');
    for (const given of [`tender_${row.id}`, row.id, row._id]) {
      await rows.updateOne({ _id: row._id }, { $set: { status: 'LOST', lastSequence: 3 } });
      const ended = await rebuild('tenders_read', '--id', given);
      expect(ended.stdout).toBe(`tenders_read ${row._id}: rebuilt from 4 events; it stood at 3\n`);
      expect(await rows.findOne({ _id: row._id })).toEqual(row);
    }
  });

  it('refuses in a sentence what is no row, and no read model', async () => {
    const nobody = '019503a0-0000-7000-8000-00000000dead';
    expectSentence(await rebuild('tenders_read', '--id', nobody), `There is no Tender ${nobody}.`);
    expectSentence(
      await rebuild('tenders_read', '--id', nobody, '--tenant', 'acme'),
      `Tenant acme has no Tender ${nobody}.`,
    );
    expectSentence(await rebuild('tenders_read', '--id', 'vehicle_7'), 'vehicle_7 is no id of a Tender.');
    expect((await rebuild('tenders')).stderr).toMatch(/Allowed choices are tenders_read, /);
  });
});

describe('a rebuild that is killed in the middle', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openDatabase();
    await insertFleet(database.db, 500, 30);
  });
  afterAll(() => database.close());

  const start = (): ChildProcess => {
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, ...variablesOf(database) };
    return spawn(process.execPath, [MAIN, 'rebuild', 'fleet_status', '--workers', '2'], {
      env,
      stdio: 'ignore',
    });
  };
  const rangesDone = async (): Promise<number> => {
    const progress = await rebuildsOf(database.db).findOne({ _id: 'fleet_status' });
    return progress?.done.length ?? -1;
  };

  it('goes on from there when it is given again, and refuses to be two at once', async () => {
    let reached = 0;
    for (let kills = 1; kills <= 3; kills++) {
      const child = start();
      await untilTrue(async () => (await rangesDone()) >= reached, { lookMs: 2 });
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(await rangesDone()).toBeGreaterThanOrEqual(reached);
      reached = (await rangesDone()) + 2;
      await insertFleet(database.db, 10, 3);
    }
    const [one, other] = await Promise.all(
      [waybill, waybillProcess].map((run) => run(['rebuild', 'fleet_status'], variablesOf(database))),
    );
    if (one === undefined || other === undefined) throw new Error('Nothing was run.');
    const [done, refused] = one.code === 0 ? [one, other] : [other, one];
    expect(done.stdout).toMatch(/^fleet_status: 530 rows .*going on from an earlier run/);
    expectSentence(refused, /is being rebuilt by another process/);
    expect(await drift(database.db)).toEqual([]);
  });
});

describe('a gateway of newer code', () => {
  it('rebuilds at its start what older code has folded', async () => {
    const database = await openDatabase();
    const before = startProcess(variablesOf(database));
    await before.listening;
    before.child.kill('SIGTERM');
    await before.ended;
    await insertFleet(database.db, 20, 10);
    // As if the rows were of the version before this one.
    await pointersOf(database.db).updateMany({}, { $set: { version: 0 }, $inc: { revision: 1 } });
    const gateway = startProcess(variablesOf(database));
    await gateway.listening;
    await eventually(async () => {
      for (const { name, version } of projections)
        expect(await readPointer(database.db, name)).toMatchObject({ version, generation: 2 });
    });
    await level(database.db);
    expect(gateway.output()).toContain('read model rebuilt');
    gateway.child.kill('SIGTERM');
    await gateway.ended;
    await database.close();
  });
});
