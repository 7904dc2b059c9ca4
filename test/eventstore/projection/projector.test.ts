import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STREAM_INDEX } from '../../../src/eventstore/aggregate.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { LEASES } from '../../../src/eventstore/lease.ts';
import { tipsPipeline } from '../../../src/eventstore/log/streams-behind.ts';
import { checkpointsOf } from '../../../src/eventstore/projection/checkpoint.ts';
import { type Projector, startProjector } from '../../../src/eventstore/projection/projector.ts';
import { projectionStatus } from '../../../src/eventstore/projection/status.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { eventually } from '../../eventually.ts';
import { upTo } from '../counter.ts';
import { countUp, naiveFold, openTallyStore, project, storedRows, type TallyRow, tallies } from '../tally.ts';

let database: TestDatabase;
let store: Store;
let other: Store;
let running: Projector[];

beforeEach(async () => {
  database = await openDatabase();
  store = await openTallyStore(database);
  other = await openTallyStore(database);
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((projector) => projector.stop()));
  await database.close();
});

const start = async (on: Store): Promise<Projector> => {
  const projector = await project(on);
  running.push(projector);
  return projector;
};
const level = (): Promise<void> =>
  eventually(async () => expect(await storedRows(store)).toEqual(await naiveFold(store)));
const rows = () => database.db.collection<TallyRow>('tallies');
const checkpoint = () => checkpointsOf(database.db).findOne({ _id: 'tallies' });
const tokenSaved = () =>
  eventually(async () => {
    const token = (await checkpoint())?.token;
    expect(token).toBeDefined();
    return token as { _data: string };
  });
const ids = () => upTo(12).map(() => newId());

describe('D-04 a projector beside writers', () => {
  it('makes of each stream the row that a plain fold makes, with two projectors and two writers', async () => {
    const streams = ids();
    await countUp(store, streams, 3);
    await Promise.all([start(store), start(other)]);
    await Promise.all([countUp(store, streams, 15), countUp(other, streams, 15)]);
    await level();
    expect((await rows().find().toArray()).every((row) => row.lastSequence === 33)).toBe(true);
  });

  it('goes on from its checkpoint', async () => {
    const streams = ids();
    const first = await start(store);
    await countUp(store, streams, 2);
    await level();
    await first.stop();
    await countUp(store, streams, 2);
    await start(other);
    await level();
  });
});

describe('a projector that is busy', () => {
  it('lets events gather, so that many of one stream become one write of its row', async () => {
    const id = newId();
    const batches: number[] = [];
    const observer = {
      folded: (_: string, events: number) => void batches.push(events),
      retried: () => undefined,
      poisoned: () => undefined,
    };
    running.push(
      await startProjector(store, store.projections, { limits: { busyEvents: 1, restMs: 3_000 }, observer }),
    );
    await tokenSaved();
    await countUp(store, [id], 1);
    await eventually(() => expect(batches).toEqual([1]));
    await countUp(store, [id], 5);
    await level();
    expect(batches).toEqual([1, 5]);
  });

  it('stops at once while it rests', async () => {
    const projector = await startProjector(store, store.projections, {
      limits: { busyEvents: 1, restMs: 600_000 },
    });
    running.push(projector);
    await tokenSaved();
    await countUp(store, ids(), 1);
    await level();
    await projector.stop();
  });
});

describe('a projector that lost its lease without noticing', () => {
  it('is shut out by the next one, and rows are right', async () => {
    const streams = ids();
    await start(store);
    await countUp(store, streams, 2);
    await level();
    const before = await checkpoint();
    const writing = countUp(store, streams, 20);
    await start(other);
    for (const _ of upTo(3)) {
      const { fence = 0 } = (await checkpoint()) ?? {};
      await database.db
        .collection(LEASES)
        .updateMany({}, { $set: { expiresAt: new Date(0), holder: 'gone' } });
      await eventually(async () => expect((await checkpoint())?.fence).toBeGreaterThan(fence));
    }
    await writing;
    await level();
    expect((await checkpoint())?.fence).toBeGreaterThanOrEqual((before?.fence ?? 0) + 3);
  });
});

describe('a projector that died', () => {
  it('is followed by another once its lease has run out', async () => {
    const streams = ids();
    const dying = await openDatabase();
    const own = await openTallyStore({
      ...database,
      client: dying.client,
      db: dying.client.db(database.db.databaseName),
    });
    await start(own);
    await countUp(store, streams, 2);
    await level();
    // Its connections are cut: it neither writes nor renews nor releases.
    await dying.close();
    await countUp(store, streams, 2);
    await start(other);
    await level();
  });
});

describe('S-04 events that come again', () => {
  it('change nothing', async () => {
    const streams = ids();
    const first = await start(store);
    await countUp(store, streams, 1);
    await level();
    const early = await tokenSaved();
    await countUp(store, streams, 5);
    await level();
    await first.stop();
    const before = await rows().find().sort({ _id: 1 }).toArray();
    await checkpointsOf(database.db).updateOne({ _id: 'tallies' }, { $set: { token: early } });
    await start(other);
    await countUp(store, [newId()], 1);
    await level();
    const known = before.map((row) => row._id);
    expect(
      await rows()
        .find({ _id: { $in: known } })
        .sort({ _id: 1 })
        .toArray(),
    ).toEqual(before);
  });
});

describe('S-04 a row that misses events', () => {
  it.each([
    ['was set back', { lastSequence: 1, amounts: [2] }],
    ['was tampered with', { lastSequence: 2, amounts: [2, 3] }],
  ])('is mended from the log when its next event comes (%s under a running projector)', async (_, back) => {
    const streams = ids();
    await start(store);
    await countUp(store, streams, 4);
    await level();
    await rows().updateMany({}, { $set: back });
    await countUp(store, streams, 1);
    await level();
  });

  it('is mended when it is gone altogether', async () => {
    const streams = ids();
    await start(store);
    await countUp(store, streams, 4);
    await level();
    await rows().deleteMany({});
    await countUp(store, streams, 1);
    await level();
  });
});

describe('a projector whose place in the history is gone', () => {
  it.each([
    ['older than the history', (real: string) => `825F00000000000001${real.slice(18)}`],
    ['that is none', () => 'no token'],
    ['that is empty', () => ''],
  ])('catches up from the log and goes on (token %s)', async (_, forge) => {
    const streams = ids();
    const first = await start(store);
    await countUp(store, streams, 2);
    await level();
    const real = await tokenSaved();
    await first.stop();
    await countUp(store, [...streams, newId()], 3);
    const token = { _data: forge(real._data) };
    await checkpointsOf(database.db).updateOne({ _id: 'tallies' }, { $set: { token } });
    await start(other);
    await level();
    await countUp(store, streams, 1);
    await level();
  });

  it('finds the streams that are behind in the stream index alone', async () => {
    await countUp(store, ids(), 3);
    const plan = await store.events
      .aggregate(tipsPipeline('Counter'), { hint: STREAM_INDEX })
      .explain('executionStats');
    const stats = JSON.stringify(plan);
    expect(stats).toContain('"totalDocsExamined":0');
    expect(stats).not.toContain('COLLSCAN');
  });
});

describe('an event that cannot be folded', () => {
  it('leaves its own row behind, no other, and is told; mended code mends it', async () => {
    const streams = ids();
    const broken = await openTallyStore(
      database,
      tallies((amount) => {
        if (amount === 4) throw new Error('four is too much');
      }),
    );
    const first = await start(broken);
    const [bad = newId(), ...good] = streams;
    await countUp(store, good, 2);
    await countUp(store, [bad], 4);
    await countUp(store, good, 1);
    await eventually(async () => {
      const [status] = await projectionStatus(store);
      expect(status).toMatchObject({ state: 'degraded', rowsBehind: 1 });
      const stored = await storedRows(store);
      const { [bad]: left, ...others } = await naiveFold(store);
      expect(stored).toEqual({ ...others, [bad]: left?.slice(0, 2) });
    });
    expect((await checkpoint())?.behind).toMatchObject([{ sequence: 3, error: 'Error: four is too much' }]);
    await first.stop();
    await start(store);
    await level();
    await eventually(async () =>
      expect((await projectionStatus(store))[0]).toMatchObject({ state: 'following', rowsBehind: 0 }),
    );
  });
});

describe('V-06 the status of a read model', () => {
  it('tells who writes it and how far it is', async () => {
    expect((await projectionStatus(store))[0]).toMatchObject({ state: 'waiting', lagMs: 0, rowsBehind: 0 });
    await countUp(store, ids(), 1);
    expect((await projectionStatus(store))[0]?.lagMs).toBeGreaterThan(0);
    const projector = await start(store);
    await level();
    await eventually(async () => {
      const [status] = await projectionStatus(other);
      expect(status).toMatchObject({
        name: 'tallies',
        mode: 'async',
        version: 1,
        state: 'following',
        lagMs: 0,
      });
      expect(status?.holder).toContain(store.producerId);
    });
    await projector.stop();
    expect((await projectionStatus(store))[0]?.state).toBe('waiting');
  });
});
