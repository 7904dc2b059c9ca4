import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../../src/eventstore/ids.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { collectionsBeside, copy, countOn, expectRight, type Running, run } from './stage.ts';

const ids = Array.from({ length: 30 }, newId);

let old: TestDatabase;
let restored: TestDatabase;
let before: Running;
let after: Running | undefined;
beforeEach(async () => {
  old = await openDatabase();
  restored = await openDatabase();
  before = await run(old);
  await countOn(before.store, ids);
  await before.ready();
});
afterEach(async () => {
  await after?.stop();
  after = undefined;
  await before.stop();
  await restored.close();
  await old.close();
});

const rowsOf = (name: string) => restored.db.collection<{ _id: string; id: string }>(name);

/** What was acknowledged and what is shown, after one more event on each stream. */
async function startThere(): Promise<Running> {
  after = await run(restored);
  await after.ready();
  await expectRight(after.store);
  await countOn(after.store, ids);
  await after.ready();
  await expectRight(after.store);
  return after;
}

describe('a restore whose read models are ahead of its log', () => {
  it('shows what the log says, and every new fact', async () => {
    await copy(old.db, restored.db, ['events']);
    await countOn(before.store, ids.slice(0, 5));
    const late = newId();
    await countOn(before.store, [late]);
    await before.ready();
    await copy(old.db, restored.db, await collectionsBeside(old.db, 'events'));
    expect(await rowsOf('counters_read').countDocuments()).toBe(31);

    const { store } = await startThere();
    for (const name of ['counters_read', 'tallies']) {
      expect(await rowsOf(name).countDocuments()).toBe(30);
      expect(await rowsOf(name).findOne({ id: late })).toBeNull();
      expect(await rowsOf(name).findOne({ id: ids[0] ?? '' })).toMatchObject({ lastSequence: 2 });
    }
    expect(store.timeline.id).not.toBe(before.store.timeline.id);
  });
});

describe('a restore whose read models are behind its log, or missing', () => {
  it.each([['counters_read'], ['tallies'], ['counters_read', 'tallies']])(
    'shows all of it: %s %s',
    async (...names) => {
      await copy(old.db, restored.db, await collectionsBeside(old.db, 'events'));
      await countOn(before.store, ids.slice(0, 5));
      await countOn(before.store, [newId()]);
      await copy(old.db, restored.db, ['events']);
      for (const name of names) await rowsOf(name).drop();
      await startThere();
    },
  );
});

describe('a restore whose log went on otherwise than its read models', () => {
  it('shows what the log says at the same sequence', async () => {
    await copy(old.db, restored.db, await collectionsBeside(old.db));
    after = await run(restored);
    await after.ready();
    await countOn(after.store, ids.slice(0, 5), 7);
    await after.ready();
    await after.stop();
    await countOn(before.store, ids.slice(0, 5), 3);
    await before.ready();
    // The log of one, the rows of the other: both have two events, of which the second differs.
    await copy(old.db, restored.db, ['events']);
    await startThere();
  });
});

describe('a whole copy of one moment', () => {
  it('is compared once, and started again without that', async () => {
    await copy(old.db, restored.db, await collectionsBeside(old.db));
    const { store } = await startThere();
    await after?.stop();
    after = await run(restored);
    expect(await after.doubts()).toEqual([]);
    expect(after.store.timeline.id).toBe(store.timeline.id);
  });

  it('is compared by one of the processes that start together, and all are ready then', async () => {
    await copy(old.db, restored.db, ['events']);
    await countOn(before.store, ids);
    await before.ready();
    await copy(old.db, restored.db, await collectionsBeside(old.db, 'events'));
    const started = await Promise.all([run(restored), run(restored), run(restored)]);
    for (const one of started) await one.ready();
    expect(new Set(started.map(({ store }) => store.timeline.id)).size).toBe(1);
    await Promise.all(
      started.map(({ store }, index) => countOn(store, ids.slice(index * 10, index * 10 + 10))),
    );
    for (const one of started) await one.ready();
    const [first] = started;
    if (first !== undefined) await expectRight(first.store);
    for (const one of started) await one.stop();
  });
});

describe('a restore into the same database, while nothing runs', () => {
  it.each(['counters_read', 'tallies'])('of %s alone is noticed', async (name) => {
    await copy(old.db, restored.db, [name]);
    await countOn(before.store, ids);
    await before.ready();
    await before.stop();
    await copy(restored.db, old.db, [name]);
    after = await run(old);
    expect((await after.doubts()).join()).toContain(`${name} is being compared with the log`);
    await after.ready();
    await expectRight(after.store);
  });
});
