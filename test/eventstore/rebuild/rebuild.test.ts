import { Timestamp } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { readPointer } from '../../../src/eventstore/projection/generation/pointer.ts';
import type { Projector } from '../../../src/eventstore/projection/projector.ts';
import type { Projection, Row } from '../../../src/eventstore/projection.ts';
import { rebuildsOf } from '../../../src/eventstore/rebuild/progress.ts';
import { openInlineWorker } from '../../../src/eventstore/rebuild/ranges.ts';
import { rebuildProjection } from '../../../src/eventstore/rebuild/rebuild.ts';
import { RebuildRefused, ShorterRefused } from '../../../src/eventstore/rebuild/refused.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { eventually } from '../../eventually.ts';
import { driftOf, expectNoHoles, streamsOf } from '../../log-oracle.ts';
import { type CounterRow, count, countersRead, upTo } from '../counter.ts';
import { bothModels, openBoth } from '../generation.ts';
import { project, tallies } from '../tally.ts';

let database: TestDatabase;
let store: Store;
let other: Store;
let projectors: Projector[];

beforeEach(async () => {
  database = await openDatabase();
  store = await openBoth(database);
  other = await openBoth(database);
  projectors = [];
});
afterEach(async () => {
  await Promise.all(projectors.map((projector) => projector.stop()));
  await database.close();
});

const drift = async (of = bothModels) => driftOf(database.db, await streamsOf(database.db), of);
const level = () => eventually(async () => expect(await drift()).toEqual([]));
const generationOf = async ({ name }: Projection) => (await readPointer(database.db, name))?.generation;
const collections = async () =>
  (await database.db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);

/** Records so many events on each of so many streams. */
async function fill(streams: number, rounds: number): Promise<void> {
  const ids = upTo(streams).map(() => newId());
  for (const _ of upTo(rounds))
    await handleMany(
      store,
      ids.map((id) => count(id)),
    );
}

/** A rebuild that is told to stop as soon as it has done so many ranges; whether it was done before. */
async function stoppedAfter(ranges: number, projection: Projection): Promise<boolean> {
  const stop = new AbortController();
  let done = 0;
  const stopped = await rebuildProjection(store, projection, {
    signal: stop.signal,
    onProgress: ({ phase }) => {
      if (phase === 'replaying' && done++ === ranges) stop.abort();
    },
  }).catch((error: unknown) => error);
  expect(stopped).toBeInstanceOf(RebuildRefused);
  return stopped instanceof RebuildRefused;
}

describe('D-06 a rebuild while two processes append', () => {
  it('loses no event, doubles none, and every row is the fold of its stream', async () => {
    projectors.push(await project(store), await project(other));
    await fill(60, 50);
    let [writing, recorded] = [true, 3_000];
    const write = async (from: Store) => {
      const own = upTo(8).map(() => newId());
      while (writing) {
        const outcomes = await handleMany(
          from,
          [...own, newId()].map((id) => count(id)),
        );
        expect(outcomes.filter(({ kind }) => kind !== 'recorded')).toEqual([]);
        recorded += outcomes.length;
      }
    };
    const writers = [write(store), write(other)];
    const rebuilder = await openBoth(database);
    for (const projection of bothModels) {
      const report = await rebuildProjection(rebuilder, projection);
      expect(report).toMatchObject({ generation: 2, resumed: false, faulty: 0 });
      expect(report.events).toBeGreaterThanOrEqual(3_000);
    }
    writing = false;
    await Promise.all(writers);
    const streams = await streamsOf(database.db);
    expectNoHoles(streams);
    expect([...streams.values()].flat()).toHaveLength(recorded);
    await level();
    expect(await rebuildsOf(database.db).findOne({ _id: 'tallies' })).toBeNull();
    expect((await collections()).filter((name) => name.includes('building'))).toEqual([]);
  });
});

describe('a rebuild that was stopped in the middle', () => {
  it('goes on from there, again and again, and ends right though the log has grown', async () => {
    await fill(100, 60);
    for (const ranges of [1, 2, 1]) {
      await stoppedAfter(ranges, countersRead);
      expect(await generationOf(countersRead)).toBe(1);
      await fill(5, 2);
    }
    const before = await rebuildsOf(database.db).findOne({ _id: 'counters_read' });
    expect(before?.ranges.length).toBeGreaterThan(4);
    let replayed = 0;
    const report = await rebuildProjection(other, countersRead, {
      openWorkers: async (...how) => {
        const [inline] = await openInlineWorker(...how);
        if (inline === undefined) throw new Error('nobody works');
        const load = async (range: object) => {
          replayed += 1;
          return inline.load(range);
        };
        return [{ ...inline, load }];
      },
    });
    expect(report).toMatchObject({ resumed: true, generation: 2, rows: 115 });
    expect(replayed).toBe((before?.ranges.length ?? 0) - (before?.done.length ?? 0));
    expect(await drift([countersRead])).toEqual([]);
  });

  it('begins anew where the code has another version by now', async () => {
    await fill(50, 60);
    await stoppedAfter(1, countersRead);
    const doubled: Projection<CounterRow> = {
      ...countersRead,
      version: 2,
      evolve: (row, event) => ({ total: 2 * (countersRead.evolve(row, event)?.total ?? 0) }),
    };
    const newer = await openBoth(database, [doubled]);
    expect(await rebuildProjection(newer, doubled)).toMatchObject({ resumed: false, rows: 50 });
    expect(await drift([doubled])).toEqual([]);
    expect((await collections()).filter((name) => name.includes('building'))).toEqual([]);
  });

  it('catches up by comparing all streams where the history of changes is gone', async () => {
    await fill(50, 60);
    await stoppedAfter(1, countersRead);
    // No oplog reaches back that far.
    await rebuildsOf(database.db).updateOne(
      { _id: 'counters_read' },
      { $set: { pinnedAt: new Timestamp({ t: 1_000_000_000, i: 1 }) } },
    );
    await fill(5, 2);
    expect(await rebuildProjection(store, countersRead)).toMatchObject({ resumed: true, rows: 55 });
    expect(await drift([countersRead])).toEqual([]);
  });
});

describe('two rebuilds of one read model', () => {
  it('are one: the second is refused while the first is alive', async () => {
    await fill(20, 1);
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const first = rebuildProjection(store, countersRead, {
      leaseMs: 600,
      openWorkers: async (...how) => {
        await held;
        return openInlineWorker(...how);
      },
    });
    await eventually(async () => expect(await rebuildsOf(database.db).countDocuments()).toBe(1));
    const second = rebuildProjection(other, countersRead, { leaseMs: 600 });
    await expect(second).rejects.toThrow('counters_read is being rebuilt by another process');
    // Another read model is another matter.
    await rebuildProjection(other, tallies());
    letGo();
    expect(await first).toMatchObject({ generation: 2, rows: 20 });
  });
});

describe('a rebuild whose rows are fewer than the live ones', () => {
  it('is refused, unless that is wanted', async () => {
    await fill(3, 1);
    const odd: Projection<CounterRow> = {
      ...countersRead,
      evolve: (row, event) => (event.sequence > 1 ? countersRead.evolve(row, event) : null),
    };
    await expect(rebuildProjection(store, odd)).rejects.toThrow(ShorterRefused);
    expect(await generationOf(odd)).toBe(1);
    expect(await rebuildProjection(store, odd, { allowShorter: true })).toMatchObject({
      rows: 0,
      oldRows: 3,
    });
    expect(await generationOf(odd)).toBe(2);
    await handle(store, count(newId()));
  });
});

describe('streams that are damaged', () => {
  it('are told of, and fold to what the projector makes of them', async () => {
    await fill(3, 4);
    const [first, second] = await store.events.find({ sequence: 1 }).sort({ aggregateId: 1 }).toArray();
    if (first === undefined || second === undefined) throw new Error('The log is empty.');
    await store.events.deleteOne({ aggregateId: first.aggregateId, sequence: 2 });
    const poisoned = { aggregateId: second.aggregateId, sequence: 3 };
    await store.events.updateOne(poisoned, { $set: { payload: null } });
    const report = await rebuildProjection(store, countersRead);
    expect(report).toMatchObject({ rows: 3, faulty: 2 });
    expect(report.faults.map(({ fault }) => fault)).toMatchObject([
      { kind: 'hole', from: 2, to: 2 },
      { kind: 'poison', sequence: 3 },
    ]);
    const rows = await database.db.collection<Row>('counters_read_v2').find().sort({ _id: 1 }).toArray();
    expect(rows.map(({ lastSequence }) => lastSequence)).toEqual([4, 2, 4]);
  });
});
