import { Binary, type Long, ReadConcern } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { newId, uuid } from '../../../src/eventstore/ids.ts';
import type { Projection } from '../../../src/eventstore/projection.ts';
import { type Finding, totalOf } from '../../../src/eventstore/verify/finding.ts';
import { OtherVersion } from '../../../src/eventstore/verify/verification.ts';
import { verifyProjection, verifyStreams } from '../../../src/eventstore/verify/verify.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { count, countersRead, openCounterStore } from '../counter.ts';
import { openBoth, rebuild } from '../generation.ts';

const STREAM = { tenantId: 1, aggregateType: 1, aggregateId: 1, sequence: 1 } as const;

let database: TestDatabase;
let store: Store;
let ids: string[];
beforeEach(async () => {
  database = await openDatabase();
  store = await openCounterStore(database);
  ids = Array.from({ length: 6 }, newId);
  for (const _ of [1, 2, 3, 4])
    await handleMany(
      store,
      ids.map((id) => count(id)),
    );
});
afterEach(() => database.close());

async function found(projection: Projection = countersRead, over: Partial<Store> = {}): Promise<Finding[]> {
  const findings: Finding[] = [];
  await verifyProjection({ ...store, ...over }, projection, {
    onFinding: (finding) => findings.push(finding),
  });
  return findings.sort((a, b) => ids.indexOf(a.row.slice(5)) - ids.indexOf(b.row.slice(5)));
}

const event = (index: number, sequence: number) => ({ aggregateId: uuid(ids[index] ?? ''), sequence });
const row = (index: number) => `acme/${ids[index]}`;
const rows = () => database.db.collection<{ _id: string }>('counters_read');

describe('D-13 a log that was damaged', () => {
  it('is told by its holes and doubles, and rows that nobody can prove are left out', async () => {
    await store.events.dropIndex('tenantId_1_aggregateType_1_aggregateId_1_sequence_1');
    await store.events.createIndex(STREAM);
    await store.events.deleteMany({ $or: [event(1, 2), event(1, 3)] });
    await store.events.deleteOne(event(2, 1));
    const twice = await store.events.findOne(event(3, 4));
    if (twice !== null) await store.events.insertOne({ ...twice, _id: uuid(newId()) });
    const expected = [
      { of: 'counters_read', row: row(1), kind: 'hole', from: 2, to: 3 },
      { of: 'counters_read', row: row(2), kind: 'hole', from: 1, to: 1 },
      { of: 'counters_read', row: row(3), kind: 'double', sequence: 4 },
    ];
    expect(await found()).toEqual(expected);
    // Where no read model tells of it, too.
    const findings: Finding[] = [];
    await verifyStreams(store, 'Counter', { onFinding: (finding) => findings.push(finding) });
    expect(new Set(findings)).toEqual(new Set(expected.map((one) => ({ ...one, of: 'Counter' }))));
  });

  it('is told by the events that cannot be folded', async () => {
    await store.events.updateOne(event(4, 3), { $unset: { payload: 1 } });
    const [finding, ...others] = await found();
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ row: row(4), kind: 'unreadable', sequence: 3 });
  });
});

describe('a row that differs', () => {
  it('is told with every field, what it has and what it should have', async () => {
    await rows().updateOne(
      { _id: row(0) },
      { $set: { total: 7, 'lastEvent.actor.id': 'nobody', note: 'by hand' }, $unset: { tenantId: 1 } },
    );
    expect(await found()).toEqual([
      {
        of: 'counters_read',
        row: row(0),
        kind: 'wrong',
        fields: [
          { field: 'total', stored: 7, expected: 4 },
          { field: 'tenantId', stored: undefined, expected: 'acme' },
          { field: 'lastEvent.actor.id', stored: 'nobody', expected: 'someone' },
          { field: 'note', stored: 'by hand', expected: undefined },
        ],
      },
    ]);
  });

  it('does not by the order of its fields, but by the kind of a value', async () => {
    const [stored] = await rows()
      .find({ _id: row(0) })
      .toArray();
    const { _id, ...fields } = stored ?? { _id: '' };
    await rows().replaceOne({ _id }, Object.fromEntries(Object.entries(fields).reverse()));
    expect(await found()).toEqual([]);
    await rows().updateOne({ _id }, [
      { $set: { total: { $toDouble: '$total' }, updatedAt: { $toString: '$updatedAt' } } },
    ]);
    const [finding] = await found();
    expect(finding?.kind === 'wrong' && finding.fields.map(({ field }) => field)).toEqual(['updatedAt']);
  });

  it('that was as its stream made it earlier is stale, further than the log is wrong', async () => {
    const earlier = await rows().findOne({ _id: row(0) });
    await handleMany(store, [count(ids[0] ?? ''), count(ids[1] ?? '')]);
    if (earlier !== null) await rows().replaceOne({ _id: row(0) }, earlier);
    await rows().updateOne({ _id: row(1) }, { $set: { lastSequence: 9 } });
    expect(await found()).toMatchObject([
      { row: row(0), kind: 'stale', storedSequence: 4, logSequence: 5 },
      { row: row(1), kind: 'wrong', fields: [{ field: 'lastSequence', stored: 9, expected: 5 }] },
    ]);
  });

  it('may have an `_id` that is none', async () => {
    const strays = [
      7,
      new Binary(Buffer.from('x')),
      'acme',
      'acme/nothing',
      '',
      `acme/${ids[0]?.toUpperCase()}`,
      { a: 1 },
    ];
    const anyRows = database.db.collection<{ _id: unknown }>('counters_read');
    await anyRows.insertMany(strays.map((_id) => ({ _id })));
    const findings = await found();
    expect(findings.map(({ kind }) => kind)).toEqual(strays.map(() => 'extra'));
    const report = await verifyProjection(store, countersRead, { repair: true });
    expect(report).toMatchObject({ rows: 6 + strays.length, repaired: strays.length });
    expect(await rows().countDocuments()).toBe(6);
  });
});

describe('verifying one tenant', () => {
  it('looks at nothing of the others, whose names begin alike', async () => {
    const beside = ['acm', 'acme-2', 'acme2'].map((tenantId) => count(newId(), { tenantId }));
    await handleMany(store, beside);
    await rows().updateMany({}, { $set: { total: 70 } });
    const report = await verifyProjection(store, countersRead, { tenantId: 'acme' });
    expect(report).toMatchObject({ streams: 6, rows: 6, events: 24, findings: { wrong: 6, extra: 0 } });
    expect((await verifyProjection(store, countersRead)).findings).toMatchObject({ wrong: 9, extra: 0 });
  });
});

/** Ends the cursors that wait on a collection, as the server does after ten minutes. @returns how many */
async function killCursors({ db, client }: TestDatabase, collection: string): Promise<number> {
  const idle = await client
    .db('admin', { readConcern: new ReadConcern('local') })
    .aggregate<{ cursor: { cursorId: Long } }>([
      { $currentOp: { idleCursors: true, allUsers: true } },
      { $match: { type: 'idleCursor', ns: `${db.databaseName}.${collection}` } },
    ])
    .toArray();
  const cursors = idle.map(({ cursor }) => cursor.cursorId);
  if (cursors.length > 0) await db.command({ killCursors: collection, cursors });
  return cursors.length;
}

describe('a verification whose cursors are lost', () => {
  it('goes on where it was, and counts nothing twice', async () => {
    for (const _ of [1, 2, 3])
      await handleMany(
        store,
        Array.from({ length: 200 }, (_unused, index) => count(ids[index % 6] ?? '')),
      );
    await handleMany(
      store,
      Array.from({ length: 200 }, () => count(newId())),
    );
    const killing: Promise<number>[] = [];
    const report = await verifyProjection(store, countersRead, {
      eventsPerSecond: 800,
      onProgress: () => {
        if (killing.length < 3) killing.push(killCursors(database, 'events'));
      },
    });
    expect((await Promise.all(killing)).reduce((sum, killed) => sum + killed, 0)).toBeGreaterThan(0);
    expect(report).toMatchObject({ events: 824, streams: 206, rows: 206 });
    expect(totalOf(report.findings)).toBe(0);
  });
});

describe('verifying around a rebuild', () => {
  it('follows the rows to where they live', async () => {
    const both = await openBoth(database);
    await rows().updateMany({}, { $set: { total: 70 } });
    await rebuild(both, countersRead);
    await handleMany(both, [count(ids[0] ?? '')]);
    expect(await found()).toEqual([]);
  });

  it('says that rows of another version wait for one', async () => {
    const newer = { ...countersRead, version: 2 };
    await expect(found(newer)).rejects.toThrow(OtherVersion);
  });
});

describe('two verifications of the same rows', () => {
  it('give the same checksums, and others when a row changes', async () => {
    const [one, two] = [
      await verifyProjection(store, countersRead),
      await verifyProjection(store, countersRead),
    ];
    expect(two.checksums).toEqual(one.checksums);
    await rows().updateOne({ _id: row(0) }, { $set: { total: 7 } });
    const three = await verifyProjection(store, countersRead);
    expect(three.checksums.log).toBe(one.checksums.log);
    expect(three.checksums.rows).not.toBe(one.checksums.rows);
  });
});
