import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { readPointer } from '../../../src/eventstore/projection/generation/pointer.ts';
import { rebuildProjection } from '../../../src/eventstore/rebuild/rebuild.ts';
import { doubtsOf } from '../../../src/eventstore/recovery/proof.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { eventually } from '../../eventually.ts';
import { count, countersRead } from '../counter.ts';
import { openBoth } from '../generation.ts';
import { tallies } from '../tally.ts';
import { copy, countBare, countOn, expectRight, type Running, run } from './stage.ts';

const ids = Array.from({ length: 40 }, newId);

let database: TestDatabase;
let running: Running;
beforeEach(async () => {
  database = await openDatabase();
  running = await run(database);
  await countOn(running.store, ids);
  await countOn(running.store, ids);
  await running.ready();
});
afterEach(async () => {
  await running.stop();
  await database.close();
});

const collection = (name: string) => database.db.collection<{ _id: string }>(name);

async function restart(): Promise<void> {
  await running.stop();
  running = await run(database);
}

/** Waits until it is ready again, and everything is right: before and after the next facts. */
async function expectHealed(): Promise<void> {
  await running.ready();
  await expectRight(running.store);
  await countOn(running.store, ids);
  await running.ready();
  await expectRight(running.store);
}

/** The job has noted how many rows there are. */
function noted(name: string): Promise<void> {
  return eventually(async () => {
    const [timeline] = await collection('timeline').find().toArray();
    expect(timeline).toMatchObject({ rows: { [name]: 40 } });
  });
}

const LOSSES = {
  'is dropped': (name: string) => collection(name).drop(),
  'is emptied': (name: string) => collection(name).deleteMany({}),
  'loses some of its rows': (name: string) =>
    collection(name).deleteMany({ _id: { $gt: `acme/${ids[20]}` } }),
  'is renamed away': (name: string) => collection(name).rename(`${name}_away`),
} as const;

describe.each(['counters_read', 'tallies'])('%s', (name) => {
  it.each(Object.entries(LOSSES))(
    '%s while a gateway runs: it says so and makes it whole',
    async (_, lose) => {
      await noted(name);
      await lose(name);
      // Told by the very next question, and not only when the job has looked.
      expect((await running.doubts()).join()).toContain(`${name} is being compared with the log`);
      await expectHealed();
      expect(await collection(name).countDocuments()).toBe(40);
    },
  );

  it.each(['is dropped', 'loses some of its rows'] as const)(
    '%s while none runs: the next says so and makes it whole',
    async (loss) => {
      await noted(name);
      await running.stop();
      await LOSSES[loss](name);
      const doubts = await doubtsOf(await openBoth(database));
      expect(doubts.map(({ projection }) => projection.name)).toEqual([name]);
      running = await run(database);
      await expectHealed();
      expect(await collection(name).countDocuments()).toBe(40);
    },
  );

  it('is dropped in a later generation', async () => {
    const projection = name === 'tallies' ? tallies() : countersRead;
    await rebuildProjection(running.store, projection);
    await running.ready();
    expect(await running.doubts()).toEqual([]);
    await collection(`${name}_v2`).drop();
    expect((await running.doubts()).join()).toContain(name);
    await expectHealed();
    expect(await collection(`${name}_v2`).countDocuments()).toBe(40);
  });
});

describe('a gateway whose own collections are dropped', () => {
  it.each(['projection_checkpoints', 'projection_leases', 'projection_pointers', 'snapshots', 'timeline'])(
    '%s: it goes on, and nothing is wrong',
    async (name) => {
      const { id } = running.store.timeline;
      await database.db.collection(name).drop();
      await countOn(running.store, ids);
      await eventually(async () => expect(await running.doubts()).toEqual([]));
      await running.store.live.refresh();
      await expectHealed();
      expect(running.replaced).toEqual([]);
      await restart();
      await expectHealed();
      expect(running.store.timeline.id).toBe(id);
    },
  );

  it.each(['projection_checkpoints', 'projection_leases', 'projection_pointers', 'snapshots', 'timeline'])(
    '%s, while none runs: the next makes it anew, and nothing is wrong',
    async (name) => {
      await running.stop();
      await countBare(running.store, ids.slice(0, 3));
      await database.db.collection(name).drop();
      running = await run(database);
      await eventually(async () => expect(await running.doubts()).toEqual([]));
      // What was recorded past the rows is theirs to say with the next event.
      await countOn(running.store, ids);
      await running.ready();
      await expectRight(running.store);
    },
  );

  it('projection_pointers, after a rebuild: the newest generation is taken, and folded anew', async () => {
    await rebuildProjection(running.store, countersRead);
    await running.stop();
    await database.db.collection('projection_pointers').drop();
    running = await run(database);
    expect(running.store.live.collectionOf(countersRead)).toBe('counters_read_v2');
    expect(await readPointer(database.db, 'counters_read')).toMatchObject({ generation: 2, version: 0 });
    expect((await running.doubts()).join()).toContain('counters_read is being rebuilt from the log');
    await rebuildProjection(running.store, countersRead);
    await expectHealed();
  });
});

describe('an index that is dropped', () => {
  it.each(['events', 'snapshots'])(
    'of %s is made again while a gateway runs, and at a start',
    async (name) => {
      const keys = async () =>
        (await database.db.collection(name).indexes()).map(({ name: index }) => index).sort();
      const all = await keys();
      expect(all.length).toBeGreaterThan(2);
      await database.db.collection(name).dropIndexes();
      await eventually(async () => expect(await keys()).toEqual(all));
      await running.stop();
      await database.db.collection(name).dropIndexes();
      running = await run(database);
      expect(await keys()).toEqual(all);
    },
  );
});

describe('a log in which a large transaction fails', () => {
  it('is not taken for one that lost events', async () => {
    await database.client.withSession(async (session) => {
      session.startTransaction();
      const written = Array.from({ length: 400 }, (_, sequence) => ({ _id: newId(), sequence }));
      await collection('events').insertMany(written, { session });
      // The job counts while it is open.
      await countOn(running.store, [newId()]);
      await eventually(async () => {
        const [timeline] = await collection('timeline').find().toArray();
        expect(Object(timeline).logged).toBeGreaterThan(80);
      });
      await session.abortTransaction();
    });
    expect(await running.doubts()).toEqual([]);
  });
});

describe('a gateway whose log is replaced underneath it', () => {
  let copied: TestDatabase;
  beforeEach(async () => {
    copied = await openDatabase();
  });
  afterEach(() => copied.close());

  const expectEnded = async (why: RegExp): Promise<void> => {
    expect((await running.doubts()).join()).toMatch(why);
    await eventually(() => expect(running.replaced).toHaveLength(1));
    expect(running.replaced[0]?.message).toMatch(/restored or emptied\. Start it again/);
  };

  it('is not ready from then on, and is told to end; the next one has it right', async () => {
    await copy(database.db, copied.db, ['events']);
    await countOn(running.store, ids.slice(0, 10));
    await running.ready();
    await copy(copied.db, database.db, ['events']);
    // A look may fall between the drop and the copy's end.
    await expectEnded(/`events`|most of its events are gone/);
    await restart();
    await expectHealed();
  });

  it('is told to end where everything is dropped', async () => {
    await database.db.dropDatabase();
    await expectEnded(/there is no collection `events`|most of its events are gone/);
    await restart();
    await running.ready();
    await expectRight(running.store);
    const outcome = await handle(running.store, count(newId()));
    expect(outcome.kind).toBe('recorded');
  });

  it('is told to end where it is emptied; the next one shows nothing of what is gone', async () => {
    await noted('counters_read');
    // How long the log is may be noted later than how many rows there are.
    await eventually(async () => {
      const [timeline] = await collection('timeline').find().toArray();
      expect(Object(timeline).logged).toBeGreaterThanOrEqual(80);
    });
    await database.db.collection('events').deleteMany({});
    await expectEnded(/most of its events are gone/);
    await restart();
    await running.ready();
    await expectRight(running.store);
    expect(await collection('counters_read').countDocuments()).toBe(0);
    expect(await collection('tallies').countDocuments()).toBe(0);
  });

  it('is told to end where the database is back at an earlier state', async () => {
    const timelines = collection('timeline');
    await eventually(async () => expect(await running.doubts()).toEqual([]));
    await timelines.updateOne({}, { $inc: { pulse: 5 } });
    await running.doubts();
    await timelines.updateOne({}, { $inc: { pulse: -5 } });
    await expectEnded(/back at an earlier state/);
  });
});
