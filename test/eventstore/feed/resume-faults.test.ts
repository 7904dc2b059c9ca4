import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { type Feed, type FeedOptions, openFeed } from '../../../src/eventstore/feed/feed.ts';
import type { Selection } from '../../../src/eventstore/feed/subscription.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { openStore } from '../../../src/eventstore/open-store.ts';
import { createClient } from '../../../src/mongo/client.ts';
import { startMongod, type TestMongod } from '../../database.ts';
import {
  bareCounter,
  byRest,
  type CounterRow,
  count,
  counterEvents,
  countersRead,
  upTo,
} from '../counter.ts';
import { rebuild } from '../generation.ts';
import { countUp, project, type TallyRow, tallies } from '../tally.ts';
import { began, read, view } from './reader.ts';

const TENANT = 'acme';
const SLOW = 'slow-gateway';

let mongod: TestMongod;
let client: ReturnType<typeof createClient>;
let slowClient: ReturnType<typeof createClient>;
let store: Store;
/** Of a process whose connections can be made slow. */
let slowStore: Store;
let feeds: Feed[] = [];
const tallied = tallies();

beforeAll(async () => {
  mongod = await startMongod();
});
afterAll(() => mongod.stop());
beforeEach(async () => {
  const options = mongod.uri.includes('?') ? '&' : '?';
  client = createClient(`${mongod.uri}${options}monitorCommands=true`);
  slowClient = createClient(`${mongod.uri}${options}appName=${SLOW}`);
  const name = `resume_${newId()}`;
  const opening = {
    log: pino({ level: 'silent' }),
    definitions: counterEvents,
    projections: [countersRead, tallied],
    workflows: [],
  };
  store = await openStore({ ...opening, client, db: client.db(name) });
  slowStore = await openStore({ ...opening, client: slowClient, db: slowClient.db(name) });
});
afterEach(async () => {
  await fail('find', 'off', {});
  for (const feed of feeds) feed.close();
  feeds = [];
  await Promise.all([client.close(), slowClient.close()]);
});

const open = (from: Store = store, limits: FeedOptions['limits'] = {}): Feed => {
  const feed = openFeed(from, { limits });
  feeds.push(feed);
  return feed;
};
/** The next so many commands of this kind fail with this error; or all, all but the first ones, or none any more. */
const fail = (command: string, times: number | 'off' | 'alwaysOn' | { skip: number }, data: object) =>
  client.db('admin').command({
    configureFailPoint: 'failCommand',
    mode: typeof times === 'number' ? { times } : times,
    data: { failCommands: [command], ...data },
  });
const all = (after?: string): Selection<CounterRow> => ({
  tenantId: TENANT,
  projection: countersRead,
  filter: {},
  matches: () => true,
  after,
});
const byTwo = byRest(2);
const odd = (after?: string): Selection<CounterRow> => ({
  ...all(after),
  filter: { total: { $mod: [2, 1] } },
  matches: (row) => row.total % 2 === 1,
  interest: { facet: byTwo, values: ['1'] },
});
const times = (n: number, id: string) =>
  handleMany(
    store,
    upTo(n).map(() => count(id)),
  );
/** Subscribes until it has begun, and goes away. @returns where it was */
async function visit(feed: Feed, selection: Selection<CounterRow> = all()): Promise<string> {
  const reader = read(feed.ordered(selection));
  await reader.until(() => began(reader.items));
  await reader.stop();
  return reader.items.at(-1)?.cursor ?? '';
}

describe('a subscriber that comes back when the oplog has rolled over', () => {
  it.each([286, 10_334])(
    'gets a gap and a fresh snapshot, on the log a gap alone (error %i)',
    async (errorCode) => {
      const id = newId();
      await times(1, id);
      const cursor = await visit(open());
      const events = open().log({ tenantId: TENANT, matches: () => true });
      await events.next();
      await events.return?.();
      await times(2, id);
      const other = open();
      // Its streams are open before reading back fails.
      await visit(other);
      const there = other.log({ tenantId: TENANT, matches: () => true });
      await there.next();
      await fail('aggregate', 'alwaysOn', { errorCode, errorLabels: [] });
      const rows = read(other.ordered(all(cursor)));
      const log = read(other.log({ tenantId: TENANT, matches: () => true, after: events.lastCursor }));
      await rows.until(() => began(rows.items));
      await log.until(() => log.items.length === 1);
      await fail('aggregate', 'off', {});
      expect(rows.items).toMatchObject([
        { kind: 'gap', reason: 'HISTORY_LOST' },
        { kind: 'snapshot', complete: true, rows: [{ id, lastSequence: 3 }] },
      ]);
      expect(log.items).toMatchObject([{ kind: 'gap', reason: 'HISTORY_LOST' }]);
      await times(1, id);
      await rows.until(() => view(rows.items).get(id)?.lastSequence === 4);
      await log.until(() => log.items.length === 2);
      expect(log.items[1]).toMatchObject({ kind: 'appended', event: { sequence: 4 } });
      await Promise.all([rows.stop(), log.stop(), there.return?.()]);
    },
  );
});

describe('a subscriber that comes back after longer than rows can be read back', () => {
  it('is told what left by folding the log, where each event is a change of the row', async () => {
    const [leaves, never] = [newId(), newId()];
    await times(1, leaves);
    await times(2, never);
    const cursor = await visit(open(), odd());
    await times(1, leaves);
    await times(2, never);
    const other = open();
    await visit(other);
    // The rows that match now can be read, and not those that changed as they were.
    const namespace = `${store.db.databaseName}.counters_read`;
    await fail('find', { skip: 1 }, { errorCode: 239, namespace });
    const rows = read(other.ordered(odd(cursor)));
    await rows.until(() => rows.items.length === 3);
    expect(rows.items).toMatchObject([
      { kind: 'left', id: leaves },
      { kind: 'updated', row: { id: never, lastSequence: 3 } },
      { kind: 'left', id: never },
    ]);
    await rows.stop();
  });

  it('gets a gap and a snapshot, where several events make one change', async () => {
    const projector = await project(store);
    const ids = upTo(3).map(() => newId());
    const selection = { tenantId: TENANT, projection: tallied, filter: {}, matches: () => true };
    const first = read(open().ordered<TallyRow>(selection));
    await countUp(store, ids, 1);
    await first.until(() => view(first.items).size === 3);
    await first.stop();
    await countUp(store, ids, 3);
    const other = open();
    const there = read(other.ordered<TallyRow>(selection));
    await there.until(() => ids.every((id) => view(there.items).get(id)?.amounts.length === 4));
    await fail('find', 'alwaysOn', { errorCode: 239, namespace: `${store.db.databaseName}.tallies` });
    const back = read(other.latest<TallyRow>({ ...selection, after: first.items.at(-1)?.cursor }, {}));
    await back.until(() => back.items.length === 1);
    await fail('find', 'off', {});
    await back.until(() => began(back.items));
    expect(back.items[0]).toMatchObject({ kind: 'gap', reason: 'HISTORY_LOST' });
    expect(view(back.items).size).toBe(3);
    await Promise.all([back.stop(), there.stop(), projector.stop()]);
  });
});

describe('a subscriber that comes back after the rows of its read model were replaced', () => {
  it.each(['the same process', 'another one'])('gets a gap and a snapshot (%s)', async (where) => {
    const id = newId();
    await times(2, id);
    const feed = open();
    const cursor = await visit(feed);
    await rebuild(store, countersRead);
    await times(1, id);
    const rows = read((where === 'another one' ? open() : feed).ordered(all(cursor)));
    await rows.until(() => began(rows.items) && view(rows.items).get(id)?.lastSequence === 3);
    expect(rows.items[0]).toMatchObject({ kind: 'gap', reason: 'HISTORY_LOST' });
    await rows.stop();
    const after = await visit(feed);
    await times(1, id);
    const again = read(open().ordered(all(after)));
    await again.until(() => again.items.length > 0);
    expect(again.items).toMatchObject([{ kind: 'updated', row: { id, lastSequence: 4 } }]);
    await again.stop();
  });
});

describe('a client that comes from a gateway which was further than this one', () => {
  it('is told nothing twice', async () => {
    const id = newId();
    await times(1, id);
    const behind = open(slowStore);
    await visit(behind);
    const first = read(open().ordered(all()));
    await first.until(() => began(first.items));
    await fail('getMore', 'alwaysOn', { blockConnection: true, blockTimeMS: 700, appName: SLOW });
    await times(3, id);
    await first.until(() => view(first.items).get(id)?.lastSequence === 4);
    await first.stop();
    const rows = read(behind.ordered(all(first.items.at(-1)?.cursor)));
    await handle(store, count(id));
    await rows.until(() => rows.items.some(({ kind }) => kind === 'updated'));
    await fail('getMore', 'off', {});
    const updates = rows.items.filter(({ kind }) => kind === 'updated');
    expect(updates).toMatchObject([{ row: { id, lastSequence: 5 } }]);
    expect(rows.items.some(({ kind }) => kind === 'gap' || kind === 'snapshot')).toBe(false);
    await rows.stop();
  });
});

describe('a change stream that stands still', () => {
  it('says how late its subscribers are told', async () => {
    const feed = open(slowStore);
    await visit(feed);
    expect(feed.streams()).toMatchObject([{ stream: 'rows', lagMs: 0 }]);
    await fail('getMore', 'alwaysOn', { blockConnection: true, blockTimeMS: 3_000, appName: SLOW });
    await expect.poll(() => feed.streams()[0]?.lagMs, { timeout: 10_000 }).toBeGreaterThan(2_000);
    await fail('getMore', 'off', {});
    await expect.poll(() => feed.streams()[0]?.lagMs, { timeout: 10_000 }).toBe(0);
  });
});

describe('a thousand clients that come back at once to another process', () => {
  it('cost one look into the oplog and one at their rows', async () => {
    const ids = upTo(20).map(() => newId());
    await handleMany(
      store,
      ids.map((id) => count(id)),
    );
    const cursor = await visit(open());
    await handleMany(
      store,
      ids.slice(0, 5).map((id) => count(id)),
    );
    await handle(store, count(newId(), { aggregate: bareCounter }));
    const other = open();
    await visit(other);
    const commands: string[] = [];
    client.on('commandStarted', ({ commandName, command }) => {
      if (command[commandName] === 'counters_read' || commandName === 'aggregate') commands.push(commandName);
    });
    const readers = upTo(1_000).map(() => read(other.ordered(all(cursor))));
    for (const reader of readers) await reader.until(() => reader.items.length === 5);
    expect(commands).toContain('find');
    expect(commands.filter((name) => name === 'aggregate').length).toBeLessThanOrEqual(2);
    expect(commands.filter((name) => name === 'find').length).toBeLessThanOrEqual(4);
    await Promise.all(readers.map((reader) => reader.stop()));
  });
});
