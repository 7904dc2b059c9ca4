import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { retry } from '../../../src/eventstore/backoff.ts';
import { clusterNow } from '../../../src/eventstore/changes.ts';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { commitBatch } from '../../../src/eventstore/projection/batch-commit.ts';
import { claimCheckpoint } from '../../../src/eventstore/projection/checkpoint.ts';
import { readPointer, replacePointer } from '../../../src/eventstore/projection/generation/pointer.ts';
import { hasSeal, liftSeal, seal } from '../../../src/eventstore/projection/generation/seal.ts';
import { openRowFolds } from '../../../src/eventstore/projection/row-folds.ts';
import { RowsSealed } from '../../../src/eventstore/projection/row-writes.ts';
import type { Projection, Row } from '../../../src/eventstore/projection.ts';
import { SwitchRefused } from '../../../src/eventstore/rebuild/refused.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { eventually } from '../../eventually.ts';
import { driftOf, expectNoHoles, streamsOf } from '../../log-oracle.ts';
import { count, countersRead, upTo } from '../counter.ts';
import { bothModels, level, openBoth, rebuild } from '../generation.ts';
import { project } from '../tally.ts';

let database: TestDatabase;
let store: Store;
let other: Store;

beforeEach(async () => {
  database = await openDatabase();
  store = await openBoth(database);
  other = await openBoth(database);
});
afterEach(() => database.close());

const pointer = async (name = 'counters_read') => {
  const found = await readPointer(database.db, name);
  if (found === null) throw new Error(`${name} has no pointer.`);
  return found;
};
const rowIn = (collection: string, id: string) => database.db.collection<Row>(collection).findOne({ id });
const aborted = async (): Promise<number> => {
  const { transactions } = await database.client.db('admin').command({ serverStatus: 1 });
  return Number(transactions.totalAborted);
};
/** A switch whose writers would have waited for too long is called off, as on a machine that is busy: then comes the next. */
const untilSwitched = (from: Store, projection: Projection): Promise<unknown> =>
  retry(() => rebuild(from, projection), {
    when: (error) => error instanceof SwitchRefused && error.message.includes('took too long'),
  });
const drift = async () => driftOf(database.db, await streamsOf(database.db), bothModels);

describe('D-06 generations that switch while two processes append and a projector follows', () => {
  it('lose no append, double none, and every row is the fold of its stream', async () => {
    const projectors = await Promise.all([project(store), project(other)]);
    const shared = upTo(2).map(() => newId());
    let writing = true;
    let recorded = 0;
    const write = async (from: Store) => {
      const own = upTo(6).map(() => newId());
      while (writing) {
        const outcomes = await handleMany(
          from,
          [...own, ...shared].map((id) => count(id)),
        );
        // On the streams of all, a command may lose too many races; on its own it has no excuse.
        expect(outcomes.slice(0, own.length).map(({ kind }) => kind)).toEqual(own.map(() => 'recorded'));
        recorded += outcomes.filter(({ kind }) => kind === 'recorded').length;
      }
    };
    const writers = [write(store), write(other), write(store), write(other)];
    const rebuilder = await openBoth(database);
    for (const _ of upTo(3)) {
      for (const projection of bothModels) await untilSwitched(rebuilder, projection);
    }
    writing = false;
    await Promise.all(writers);
    const streams = await streamsOf(database.db);
    expectNoHoles(streams);
    expect([...streams.values()].flat()).toHaveLength(recorded);
    await eventually(async () => expect(await drift()).toEqual([]));
    expect([(await pointer()).generation, (await pointer('tallies')).generation]).toEqual([4, 4]);
    await Promise.all(projectors.map((projector) => projector.stop()));
  });
});

describe('an append that comes while the old generation is sealed', () => {
  it('waits, and is in the new one', async () => {
    const id = newId();
    await handle(other, count(id));
    const late: Promise<unknown>[] = [];
    const report = await rebuild(store, countersRead, {
      catchUp: async (until, collection) => {
        await level(store, countersRead, until, collection);
        if (!(await hasSeal(database.db, 'counters_read'))) return;
        const before = await aborted();
        late.push(...upTo(5).map(() => handle(other, count(id))), handle(store, count(newId())));
        // Somebody has met the seal: then a group is at the door.
        await eventually(async () => expect(await aborted()).toBeGreaterThan(before));
      },
    });
    expect(await Promise.all(late)).toMatchObject(upTo(6).map(() => ({ kind: 'recorded' })));
    expect(report).toMatchObject({ generation: 2, collection: 'counters_read_v2', rows: 1, oldRows: 1 });
    expect((await rowIn('counters_read_v2', id))?.lastSequence).toBe(6);
    expect((await rowIn('counters_read', id))?.lastSequence).toBe(1);
    expect(await driftOf(database.db, await streamsOf(database.db), [countersRead])).toEqual([]);
  });
});

describe('a process that has not heard of a switch', () => {
  it('writes into the new generation all the same', async () => {
    const id = newId();
    await handle(other, count(id));
    await rebuild(store, countersRead);
    expect(other.live.collectionOf(countersRead)).toBe('counters_read');
    // As its knowledge stands, the row is one that this very process wrote.
    await handle(other, count(id));
    await handle(other, count(newId()));
    expect(other.live.collectionOf(countersRead)).toBe('counters_read_v2');
    expect((await rowIn('counters_read', id))?.lastSequence).toBe(1);
    expect((await rowIn('counters_read_v2', id))?.lastSequence).toBe(2);
  });

  it('takes rows that moved on without it for what they are, not for drift', async () => {
    const id = newId();
    await handle(other, count(id));
    await rebuild(store, countersRead);
    await handle(store, count(id));
    const outcomes = await handleMany(
      other,
      upTo(3).map(() => count(id)),
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(['recorded', 'recorded', 'recorded']);
    expect((await rowIn('counters_read', id))?.lastSequence).toBe(1);
    expect((await rowIn('counters_read_v2', id))?.lastSequence).toBe(5);
  });
});

describe('a projector that folded onto the old generation', () => {
  it('does not put that into the new one, which is further', async () => {
    const [, tallied = countersRead] = bothModels;
    const id = newId();
    await handle(store, count(id));
    const folds = openRowFolds({
      store: other,
      projection: tallied,
      collection: () => other.live.collectionOf(tallied),
      cachedRows: 10,
      onPoison: () => undefined,
    });
    const folded = await folds.catchUp([{ tenantId: 'acme', aggregateId: id }]);
    await handle(store, count(id));
    await rebuild(store, tallied);
    await other.live.refresh();
    await claimCheckpoint(database.db, 'tallies', 1, 1);
    await expect(commitBatch(other, tallied, 1, folded, {})).rejects.toThrow(RowsSealed);
    expect((await rowIn('tallies_v2', id))?.lastSequence).toBe(2);
    expect(await folds.catchUp([{ tenantId: 'acme', aggregateId: id }]), 'folded anew').toEqual([]);
  });
});

describe('a rebuild that dies with the seal on', () => {
  it('is called off by a writer, whose append succeeds', async () => {
    const from = await pointer();
    const sealing = { generation: 2, by: 'a dead rebuild', since: new Date() };
    const announced = await replacePointer(database.db, from, { ...from, sealing });
    await seal(database.db, 'counters_read');
    const id = newId();
    expect(await handle(store, count(id))).toMatchObject({ kind: 'recorded' });
    expect((await pointer()).sealing).toBeUndefined();
    expect((await rowIn('counters_read', id))?.lastSequence).toBe(1);
    if (announced === null) throw new Error('The switch was not announced.');
    expect(await replacePointer(database.db, announced, { ...from, generation: 2 }), 'the late flip').toBe(
      null,
    );
  });

  it('may be taken up by the next, which needs no writer for that', async () => {
    await handle(store, count(newId()));
    const from = await pointer();
    const sealing = { generation: 2, by: 'a dead rebuild', since: new Date() };
    await replacePointer(database.db, from, { ...from, sealing });
    await seal(database.db, 'counters_read');
    expect(await rebuild(store, countersRead)).toMatchObject({ generation: 2, rows: 1 });
    expect(await handle(other, count(newId()))).toMatchObject({ kind: 'recorded' });
    expect(await drift().then((rows) => rows.filter((row) => row.startsWith('counters')))).toEqual([]);
  });

  it('leaves a seal that no pointer tells of: it is taken off as well', async () => {
    await seal(database.db, 'counters_read');
    expect(await handle(store, count(newId()))).toMatchObject({ kind: 'recorded' });
    expect(await hasSeal(database.db, 'counters_read')).toBe(false);
  });
});

describe('a switch that is not made', () => {
  const refused = async (over: Parameters<typeof rebuild>[2], message: RegExp) => {
    const id = newId();
    await handle(store, count(id));
    const error = await rebuild(store, countersRead, over).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    expect(await pointer()).toMatchObject({ generation: 1 });
    expect((await pointer()).sealing).toBeUndefined();
    await handle(other, count(id));
    expect((await rowIn('counters_read', id))?.lastSequence).toBe(2);
    return error;
  };
  const emptied = async (_: unknown, collection: string) => {
    await database.db.collection(collection).deleteMany({});
  };

  it('because the new generation is empty', async () => {
    expect(await refused({ catchUp: emptied }, /has 0 rows, the live one 1/)).toBeInstanceOf(SwitchRefused);
  });

  it('because it has fewer rows', async () => {
    await handle(store, count(newId()));
    const oneShort = async (_: unknown, collection: string) => {
      await database.db.collection(collection).deleteOne({});
    };
    await refused({ catchUp: oneShort }, /has 1 rows, the live one 2/);
  });

  it('because the last catch-up fails', async () => {
    const catchUp = async () => {
      if (await hasSeal(database.db, 'counters_read')) throw new Error('no disk');
    };
    await refused({ catchUp }, /no disk/);
  });

  it('because it was called off meanwhile: late, it fails', async () => {
    const catchUp = async () => {
      if (!(await hasSeal(database.db, 'counters_read'))) return;
      expect(await liftSeal(database.db, await pointer(), 'counters_read', 'somebody')).toBe(true);
    };
    expect(await refused({ catchUp }, /took too long/)).toBeInstanceOf(SwitchRefused);
  });

  it('because its rebuild has no lease', async () => {
    await refused({ by: 'nobody' }, /does not hold the lease rebuild:counters_read/);
  });

  it('because there is nothing to put in place', async () => {
    await refused({ building: 'counters_read_v9_building' }, /no counters_read_v9_building/);
  });

  it('unless fewer rows are asked for', async () => {
    await handle(store, count(newId()));
    const report = await rebuild(store, countersRead, { catchUp: emptied, allowShorter: true });
    expect(report).toMatchObject({ rows: 0, oldRows: 1 });
  });
});

describe('a transaction in flight when the seal is put on', () => {
  it('is waited for', async () => {
    const id = newId();
    await handle(store, count(id));
    const session = database.client.startSession();
    session.startTransaction();
    const rows = database.db.collection<Row>('counters_read');
    await rows.updateOne({ id }, { $set: { lastSequence: 77 } }, { session });
    let sealed = false;
    const sealing = seal(database.db, 'counters_read').then(() => {
      sealed = true;
    });
    await clusterNow(database.db);
    expect(sealed).toBe(false);
    await session.commitTransaction();
    await sealing;
    await session.endSession();
    expect((await rowIn('counters_read', id))?.lastSequence).toBe(77);
    await expect(rows.updateOne({ id }, { $set: { lastSequence: 78 } })).rejects.toMatchObject({ code: 121 });
  });
});
