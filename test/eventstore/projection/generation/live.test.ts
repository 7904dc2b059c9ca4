import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handle } from '../../../../src/eventstore/command/handle.ts';
import type { Outcome } from '../../../../src/eventstore/command/intent.ts';
import type { Store } from '../../../../src/eventstore/command/store.ts';
import { newId } from '../../../../src/eventstore/ids.ts';
import { pointersOf, readPointer } from '../../../../src/eventstore/projection/generation/pointer.ts';
import { rowsOf } from '../../../../src/eventstore/projection/rows.ts';
import { projectionStatus } from '../../../../src/eventstore/projection/status.ts';
import type { Projection, Row } from '../../../../src/eventstore/projection.ts';
import { rebuildProjection } from '../../../../src/eventstore/rebuild/rebuild.ts';
import { startDroppingRetired } from '../../../../src/eventstore/rebuild/retired.ts';
import { staleProjections } from '../../../../src/eventstore/rebuild/stale.ts';
import { ANNOUNCE_MS } from '../../../../src/eventstore/rebuild/switch.ts';
import { verifyProjection } from '../../../../src/eventstore/verify/verify.ts';
import { openDatabase, type TestDatabase } from '../../../database.ts';
import { bareCounter, type CounterRow, count, counter, countersRead } from '../../counter.ts';
import { openBoth, rebuild } from '../../generation.ts';

let database: TestDatabase;
let store: Store;

beforeEach(async () => {
  database = await openDatabase();
  store = await openBoth(database);
});
afterEach(() => database.close());

const newer: Projection<CounterRow> = { ...countersRead, version: 2 };
const names = (projections: readonly Projection[]) => projections.map(({ name }) => name);
const collections = async () => (await database.db.listCollections().toArray()).map(({ name }) => name);
const rowOf = (from: Store, id: string) => rowsOf(from, 'acme', countersRead).byId(id);

describe('a read model whose code is newer than its rows', () => {
  it('wants a rebuild, until it has had one; inline rows too', async () => {
    await handle(store, count(newId()));
    expect(staleProjections(store)).toEqual([]);
    const upgraded = await openBoth(database, [newer]);
    expect(names(staleProjections(upgraded))).toEqual(['counters_read']);
    expect(await projectionStatus(upgraded)).toMatchObject([{ name: 'counters_read', version: 1 }]);
    await rebuild(upgraded, newer);
    expect(staleProjections(upgraded)).toEqual([]);
    expect(await projectionStatus(upgraded)).toMatchObject([{ name: 'counters_read', version: 2 }]);
    expect(staleProjections(await openBoth(database, [newer]))).toEqual([]);
  });
});

describe('an inline read model that is new to a log', () => {
  it('wants a rebuild, where the log has something for it', async () => {
    const another: Projection<CounterRow> = { ...countersRead, name: 'counters_by_name' };
    expect(staleProjections(await openBoth(database, [another]))).toEqual([]);
    await handle(store, count(newId(), { aggregate: bareCounter }));
    const later: Projection<CounterRow> = { ...countersRead, name: 'counters_by_size' };
    const opened = await openBoth(database, [another, later]);
    expect(names(staleProjections(opened))).toEqual(['counters_by_size']);
  });
});

describe('a process whose code is older than the rows', () => {
  it('reads them, decides upon none of them, and says so; from the start, too', async () => {
    const id = newId();
    await handle(store, count(id));
    const upgraded = await openBoth(database, [newer]);
    await rebuild(upgraded, newer);
    const late = await openBoth(database);
    await store.live.refresh();
    for (const older of [store, late]) {
      expect(await handle(older, count(id))).toMatchObject({
        kind: 'refused',
        refusal: { code: 'NEWER_VERSION' },
      });
      expect(await rowOf(older, id)).toMatchObject({ total: 1 });
      expect(older.newer.list()).toEqual(['counters_read version 2']);
    }
    expect(await store.events.countDocuments()).toBe(1);
    await handle(upgraded, count(id, { aggregate: { ...counter, projections: [newer] } }));
    expect(await rowOf(late, id)).toMatchObject({ total: 2 });
  });

  it('writes none of them when it learns of it in the middle of a write', async () => {
    const id = newId();
    await handle(store, count(id));
    const upgraded = await openBoth(database, [newer]);
    const outcomes: Outcome[] = [];
    let rebuilding = true;
    const writing = (async () => {
      while (rebuilding) outcomes.push(await handle(store, count(id)));
    })();
    await rebuild(upgraded, newer, { announceMs: ANNOUNCE_MS });
    rebuilding = false;
    await writing;
    outcomes.push(await handle(store, count(id)));
    expect(outcomes.at(-1)).toMatchObject({ refusal: { code: 'NEWER_VERSION' } });
    const recorded = outcomes.filter(({ kind }) => kind === 'recorded').length;
    expect(await rowOf(upgraded, id)).toMatchObject({ total: 1 + recorded });
    expect(await store.events.countDocuments()).toBe(1 + recorded);
  });

  it('neither rebuilds, verifies nor repairs them', async () => {
    await handle(store, count(newId()));
    await rebuild(await openBoth(database, [newer]), newer);
    const older = await openBoth(database);
    const said = /counters_read was built by a newer Waybill \(version 2/;
    await expect(rebuildProjection(older, countersRead)).rejects.toThrow(said);
    await expect(verifyProjection(older, countersRead, { repair: true })).rejects.toThrow(said);
    expect(staleProjections(older)).toEqual([]);
  });
});

describe('a reader while a generation takes over', () => {
  it('never sees an older row than it saw, nor one less', async () => {
    const reader = await openBoth(database);
    const id = newId();
    await handle(store, count(id));
    let writing = true;
    let written = 1;
    const write = async () => {
      while (writing) {
        await handle(store, count(id));
        written += 1;
      }
    };
    const read = async () => {
      while (writing) {
        const atLeast = written;
        expect((await rowOf(reader, id))?.lastSequence).toBeGreaterThanOrEqual(atLeast);
        expect(await rowsOf(reader, 'acme', countersRead).count({})).toBe(1);
      }
    };
    const working = [write(), read(), read()];
    const rebuilder = await openBoth(database);
    await rebuild(rebuilder, countersRead, { announceMs: ANNOUNCE_MS });
    await rebuild(rebuilder, countersRead, { announceMs: ANNOUNCE_MS });
    writing = false;
    await Promise.all(working);
    expect(reader.live.collectionOf(countersRead)).toBe('counters_read_v3');
  });
});

describe('indexes', () => {
  it('are made on the generation that is live', async () => {
    await rebuild(store, countersRead);
    const keys = { tenantId: 1, total: 1 } as const;
    await openBoth(database, [{ ...countersRead, indexes: [{ keys, serves: 'a test' }] }]);
    const made = await database.db.collection<Row>('counters_read_v2').indexes();
    expect(made.map(({ key }) => key)).toContainEqual(keys);
  });
});

describe('a generation that was replaced', () => {
  it('is dropped by whoever looks first, once its time is over, and no earlier', async () => {
    const id = newId();
    await handle(store, count(id));
    await rebuild(store, countersRead, { retainMs: 0 });
    expect((await readPointer(database.db, 'counters_read'))?.retired).toHaveLength(1);
    await startDroppingRetired(store).stop();
    expect(await collections()).toContain('counters_read');
    await pointersOf(database.db).updateMany({}, { $set: { 'retired.$[].dropAfter': new Date(0) } });
    const sweeps = [startDroppingRetired(store), startDroppingRetired(await openBoth(database))];
    await Promise.all(sweeps.map((sweep) => sweep.stop()));
    expect(await collections()).not.toContain('counters_read');
    expect((await readPointer(database.db, 'counters_read'))?.retired).toEqual([]);
    expect(await rowOf(store, id)).toMatchObject({ lastSequence: 1 });
  });
});

describe('pointers', () => {
  it('are put in place once, also by processes that start together', async () => {
    await pointersOf(database.db).deleteMany({});
    await Promise.all([openBoth(database), openBoth(database), openBoth(database)]);
    expect(await readPointer(database.db, 'counters_read')).toMatchObject({ generation: 1 });
    expect(await pointersOf(database.db).countDocuments()).toBe(2);
  });
});
