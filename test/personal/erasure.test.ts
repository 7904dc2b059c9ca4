import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/eventstore/open-store.ts';
import { verifyProjection } from '../../src/eventstore/verify/verify.ts';
import { model } from '../../src/model.ts';
import { eraseSubject } from '../../src/personal/erase.ts';
import { fileLedger, type Ledger } from '../../src/personal/ledger.ts';
import { openPersonal } from '../../src/personal/personal.ts';
import { replayErasures } from '../../src/personal/restore.ts';
import { SUBJECT_KEYS, subjectKeysOf } from '../../src/personal/subject-keys.ts';
import { sweep } from '../../src/personal/sweep.ts';
import { tendersRead } from '../../src/tender/projection.ts';
import { registeredVehicle } from '../dispatch/stage.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { testKeyService } from '../personal-keys.ts';
import { type Desk, offeredTo, openDesk } from '../tender/desk.ts';

const NAME = 'Wilhelmina Quastenflosser';
const PHONE = '+49 30 7771234';
const ADMIN = { id: 'ada', role: 'admin' } as const;

let gateway: TestGateway;
let dora: Desk;
let acme: Desk;
let folder: string;
let ledger: Ledger;

beforeAll(async () => {
  gateway = await startGateway();
  dora = await openDesk(gateway);
  acme = await openDesk(gateway, { role: 'carrier', carrierId: 'ACME' });
  folder = await mkdtemp(join(tmpdir(), 'erasure-'));
  ledger = fileLedger(join(folder, 'keys', 'erasures.jsonl'));
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

async function acceptedTender(): Promise<string> {
  const tenderId = await offeredTo(dora, 'ACME');
  await acme.give('acceptTender', { tenderId });
  return tenderId;
}

async function assigned(driver: object, key?: string): Promise<string> {
  const tenderId = await acceptedTender();
  const vehicleId = `vehicle_${await registeredVehicle(gateway.store)}`;
  const input = { tenderId, vehicleId, driver, ...(key === undefined ? {} : { idempotencyKey: key }) };
  expect(await dora.give('assignTender', input)).toMatchObject({ __typename: 'TenderPayload' });
  return tenderId;
}

const DRIVER =
  'query D($id: ID!) { tender(id: $id) { driver { name phone erased } history { nodes { payload } } } }';

async function driverAs(desk: Desk, id: string) {
  return (await desk.ask(DRIVER, { id })).tender?.driver;
}

/** Everything that is stored, as JSON and as bytes. */
function stored(texts: readonly string[]) {
  return sweep(gateway.database.client, gateway.database.db, texts);
}

async function subjectNamed(name: string): Promise<string> {
  const subject = await gateway.personal.subjectOf('demo', name);
  if (subject === null) throw new Error('Nothing personal was recorded.');
  return subject;
}

const ground = () => ({ store: gateway.store, personal: gateway.personal, ledger });

describe('a driver that is named with an assignment', () => {
  it('is stored sealed alone: in the log, rows, the oplog and what was logged', async () => {
    await assigned({ id: 'D-1', name: NAME, phone: PHONE });
    const { searched, places, oplog } = await stored([NAME, PHONE, 'D-1"']);
    expect(searched).toBeGreaterThan(0);
    expect({ places, oplog }).toEqual({ places: [], oplog: true });
    expect(JSON.stringify(gateway.logged)).not.toContain(NAME);
    expect(await gateway.metrics.registry.metrics()).not.toContain(NAME);
  });

  it('is shown to dispatchers and to the carrier that has the load, and to nobody else', async () => {
    const tenderId = await assigned({ id: 'D-2', name: NAME, phone: PHONE });
    const shown = { name: NAME, phone: PHONE, erased: false };
    const hidden = { name: null, phone: null, erased: false };
    expect(await driverAs(dora, tenderId)).toEqual(shown);
    expect(await driverAs(acme, tenderId)).toEqual(shown);
    expect(await driverAs(await openDesk(gateway, { role: 'rider' }), tenderId)).toEqual(hidden);
    expect(await driverAs(await openDesk(gateway, { role: 'driver' }), tenderId)).toEqual(hidden);
    expect(await driverAs(await openDesk(gateway, { tenant: 'elsewhere' }), tenderId)).toBeUndefined();
  });

  it('is the same command when it comes again, and another one with another name', async () => {
    const tenderId = await acceptedTender();
    const vehicleId = `vehicle_${await registeredVehicle(gateway.store)}`;
    const input = { tenderId, vehicleId, idempotencyKey: 'once', driver: { id: 'D-3', name: NAME } };
    expect(await dora.give('assignTender', input)).toMatchObject({ repeated: false });
    expect(await dora.give('assignTender', input)).toMatchObject({ repeated: true });
    expect(await dora.give('assignTender', { ...input, driver: { id: 'D-3', name: 'Other' } })).toMatchObject(
      {
        code: 'IDEMPOTENCY_KEY_REUSED',
      },
    );
  });

  it('is refused where it is malformed, without a word of what it was', async () => {
    const tenderId = await acceptedTender();
    const vehicleId = `vehicle_${await registeredVehicle(gateway.store)}`;
    const input = { tenderId, vehicleId, driver: { id: 'D-4', phone: 'call Wilhelmina' } };
    const refused = await dora.give('assignTender', input);
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'driver.phone' });
    expect(JSON.stringify(refused)).not.toContain('Wilhelmina');
  });

  it('is found by its number, however that is written, and not by that of another field', async () => {
    await assigned({ id: 'D-5', phone: '+49 (40) 555-0101' });
    expect(await gateway.personal.find('demo', 'phone', '+49 40 5550101')).toEqual([
      await subjectNamed('D-5'),
    ]);
    expect(await gateway.personal.find('demo', 'name', '+49 40 5550101')).toEqual([]);
    expect(await gateway.personal.find('elsewhere', 'phone', '+49 40 5550101')).toEqual([]);
  });
});

describe('a driver who is erased', () => {
  it('is shown no more, recorded no more, and found no more; the log still folds and verifies', async () => {
    const tenderId = await assigned({ id: 'D-6', name: NAME, phone: '+49 30 9990000' });
    const other = await assigned({ id: 'D-7', name: 'Somebody Else' });
    const subject = await subjectNamed('D-6');
    const erased = await eraseSubject(ground(), { tenantId: 'demo', subject, by: ADMIN, reason: 'asked' });
    expect(erased).toMatchObject({ texts: 2, left: 0, places: [] });
    expect(await driverAs(dora, tenderId)).toEqual({ name: null, phone: null, erased: true });
    expect(await driverAs(dora, other)).toMatchObject({ name: 'Somebody Else', erased: false });
    expect(await gateway.personal.find('demo', 'phone', '+49 30 9990000')).toEqual([]);
    const tender = await acceptedTender();
    const vehicleId = `vehicle_${await registeredVehicle(gateway.store)}`;
    expect(
      await dora.give('assignTender', { tenderId: tender, vehicleId, driver: { id: 'D-6', name: NAME } }),
    ).toMatchObject({ code: 'SUBJECT_ERASED', field: 'driver.id' });
    const report = await verifyProjection(gateway.store, tendersRead);
    expect(report.findings).toMatchObject({ wrong: 0, missing: 0, extra: 0 });
    expect(await ledger.all()).toMatchObject([{ tenantId: 'demo', subject }]);
  });

  it('is somebody of whom something was recorded: a mistaken name erases nobody, and leaves nothing', async () => {
    const subject = await subjectNamed('D-mistaken');
    expect(await eraseSubject(ground(), { tenantId: 'demo', subject, by: ADMIN })).toBeNull();
    expect(await subjectKeysOf(gateway.store.db).findOne({ _id: subject })).toBeNull();
    expect((await ledger.all()).map((erasure) => erasure.subject)).not.toContain(subject);
  });

  it('is erased once, however often that is asked for', async () => {
    const subject = await subjectNamed('D-6');
    await eraseSubject(ground(), { tenantId: 'demo', subject, by: ADMIN });
    const said = await gateway.store.events
      .find({ aggregateType: 'DataSubject' })
      .sort({ sequence: 1 })
      .toArray();
    expect(said.map(({ type }) => type)).toEqual(['ErasureRequested', 'SubjectErased']);
  });

  it('is in no file of an export', async () => {
    const texts: string[] = [];
    for await (const event of gateway.store.events.find({})) texts.push(JSON.stringify(event));
    expect(texts.join('\n')).not.toContain(NAME);
    for (const file of await readdir(folder, { recursive: true, withFileTypes: true }))
      if (file.isFile())
        expect(await readFile(join(file.parentPath, file.name), 'utf8')).not.toMatch(/Wilhelmina|D-6/);
  });
});

describe('a database that was restored from before an erasure', () => {
  it('erases again before it serves whom the ledger has', async () => {
    const tenderId = await assigned({ id: 'D-8', name: NAME });
    const subject = await subjectNamed('D-8');
    const { db } = gateway.database;
    const before = await db.collection(SUBJECT_KEYS).find({}).toArray();
    const log = await db.collection('events').find({}).toArray();
    await eraseSubject(ground(), { tenantId: 'demo', subject, by: ADMIN });
    await db.collection(SUBJECT_KEYS).deleteMany({});
    await db.collection(SUBJECT_KEYS).insertMany(before);
    await db.collection('events').deleteMany({ _id: { $nin: log.map(({ _id }) => _id) } });
    const personal = await openPersonal(db, testKeyService);
    const place = { event: 'TenderAssigned', stream: tenderId.replace('tender_', ''), path: 'driver' };
    const nothing = { subject, texts: {} };
    expect(await personal.reveal('demo', place, nothing)).toMatchObject({ kind: 'clear' });
    const { client } = gateway.database;
    const store = await openStore({ client, db, log: gateway.store.log, ...model });
    expect(await replayErasures({ store, personal, ledger })).toBeGreaterThan(0);
    expect(await personal.reveal('demo', place, nothing)).toEqual({ kind: 'erased' });
    expect(await subjectKeysOf(db).findOne({ _id: subject })).toMatchObject({ erasedAt: expect.any(Date) });
    expect(await replayErasures({ store, personal, ledger })).toBe(0);
    await store.snapshots.close();
  });

  it('says so where the ledger cannot be read, and does not go on', async () => {
    const path = join(folder, 'torn.jsonl');
    await writeFile(path, '{"tenantId":"demo"\n');
    await expect(replayErasures({ ...ground(), ledger: fileLedger(path) })).rejects.toThrow(/Line 1 of/);
  });
});
