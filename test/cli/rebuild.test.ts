import type { Db } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPointer } from '../../src/eventstore/projection/generation/pointer.ts';
import type { Row } from '../../src/eventstore/projection.ts';
import { projections } from '../../src/model.ts';
import { eventually } from '../eventually.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { driftOf, streamsOf } from '../log-oracle.ts';
import { driveVehicles, recordStories } from '../model-log.ts';
import { expectSentence, waybill, waybillProcess } from './command.ts';
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
