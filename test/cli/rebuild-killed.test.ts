import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rebuildsOf } from '../../src/eventstore/rebuild/progress.ts';
import { projections } from '../../src/model.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { untilTrue } from '../eventually.ts';
import { driftOf, streamsOf } from '../log-oracle.ts';
import { insertFleet } from '../model-log.ts';
import { expectSentence, MAIN, waybill, waybillProcess } from './command.ts';
import { variablesOf } from './event-files.ts';

const drift = async (db: Db) => driftOf(db, await streamsOf(db), projections);

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
