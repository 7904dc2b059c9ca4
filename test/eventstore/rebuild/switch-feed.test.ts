import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { type Feed, openFeed } from '../../../src/eventstore/feed/feed.ts';
import type { Selection } from '../../../src/eventstore/feed/subscription.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { checkpointsOf } from '../../../src/eventstore/projection/checkpoint.ts';
import { type RowFilter, rowsOf } from '../../../src/eventstore/projection/rows.ts';
import type { Projection, Row } from '../../../src/eventstore/projection.ts';
import { RETAIN_MS } from '../../../src/eventstore/rebuild/pointer.ts';
import { dropRetired } from '../../../src/eventstore/rebuild/retired.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { eventually } from '../../eventually.ts';
import { byRest, type CounterRow, count, countersRead, upTo } from '../counter.ts';
import { type AnyChange, began, type Reader, read, view } from '../feed/reader.ts';
import { bothModels, level, openBoth, rebuild } from '../generation.ts';
import { project, tallies } from '../tally.ts';

const TENANT = 'acme';
const tallied = tallies();

let database: TestDatabase;
let store: Store;
let other: Store;
let feed: Feed;

beforeEach(async () => {
  database = await openDatabase();
  store = await openBoth(database);
  other = await openBoth(database);
  feed = openFeed(other);
});
afterEach(async () => {
  feed.close();
  await database.close();
});

const all = (projection: Projection): Selection<Row> => ({
  tenantId: TENANT,
  projection,
  filter: {},
  matches: () => true,
});
/** Rows come and go. */
const notByThree: Selection<Row> = {
  ...all(countersRead),
  filter: { total: { $not: { $mod: [3, 0] } } },
  matches: (row) => (row as CounterRow).total % 3 !== 0,
  interest: { facet: byRest(3), values: ['1', '2'] },
};
const gaps = (items: readonly { kind: string }[]) => items.filter((item) => item.kind === 'gap').length;
const sequences = (rows: Iterable<Row>) =>
  Object.fromEntries([...rows].map((row) => [row.id, row.lastSequence]));
const stored = async (projection: Projection, filter: RowFilter = {}) =>
  sequences(await rowsOf(store, TENANT, projection).find(filter, { sort: { _id: 1 }, limit: 10_000 }));
const shows = async (reader: Reader<AnyChange<Row>>, truth: Record<string, number>) => {
  await eventually(() => expect(sequences(view(reader.items).values())).toEqual(truth));
  expect(gaps(reader.items)).toBe(0);
  await reader.stop();
};
/** The projector's rows have all that the log has. */
const projected = () =>
  eventually(async () => expect(await stored(tallied)).toEqual(await stored(countersRead)));
const following = () =>
  eventually(async () => {
    const checkpoint = await checkpointsOf(database.db).findOne({ _id: 'tallies' });
    expect(checkpoint).toMatchObject({ phase: 'following', token: expect.anything() });
  });
/** Every step of a row was told, in order, from the first that was. */
const expectSteps = (items: readonly AnyChange<Row>[], id: string) => {
  const rows = items.flatMap((item) => (item.kind === 'updated' ? [item.row] : []));
  const steps = rows.filter((row) => row.id === id).map(({ lastSequence }) => lastSequence);
  expect(steps).toEqual(upTo(steps.length).map((n) => n + (steps[0] ?? 1) - 1));
};
const write = async (from: Store, ids: readonly string[], rounds: number) => {
  for (const _ of upTo(rounds))
    await handleMany(
      from,
      ids.map((id) => count(id)),
    );
};

describe('G-03 subscribers while generations switch under them', () => {
  it('see neither gap, double nor hole, whenever they came', async () => {
    const projector = await project(store);
    const ids = upTo(4).map(() => newId());
    await write(store, ids, 1);
    let writing = true;
    const work = async (from: Store) => {
      const own = [...ids.slice(0, 2), ...upTo(3).map(() => newId())];
      while (writing) await write(from, own, 1);
    };
    const writers = [work(store), work(other)];
    const readers: { reader: Reader<AnyChange<Row>>; selection: Selection<Row> }[] = [];
    const subscribe = () => {
      for (const selection of [all(countersRead), notByThree, all(tallied)]) {
        readers.push({ reader: read(feed.ordered(selection)), selection });
        readers.push({ reader: read(feed.latest(selection, { maxPerSecond: 50 })), selection });
      }
    };
    subscribe();
    for (const projection of [...bothModels, ...bothModels]) {
      await rebuild(store, projection, {
        catchUp: async (until, collection) => {
          subscribe();
          await level(store, projection, until, collection);
        },
      });
      subscribe();
    }
    writing = false;
    await Promise.all(writers);
    await projected();
    for (const { reader, selection } of readers) {
      await shows(reader, await stored(selection.projection, selection.filter));
    }
    for (const id of ids) expectSteps(readers[0]?.reader.items ?? [], id);
    await projector.stop();
  });
});

describe('rows that a rebuild brought further than the projector had', () => {
  it('are told at the switch, though nobody writes them any more', async () => {
    const ids = upTo(5).map(() => newId());
    const projector = await project(store);
    await write(store, ids, 2);
    await projected();
    await following();
    const ordered = read(feed.ordered(all(tallied)));
    const latest = read(feed.latest(all(tallied), {}));
    const elsewhere = read(feed.ordered({ ...all(tallied), tenantId: 'bolt' }));
    for (const { items, until } of [ordered, latest, elsewhere]) await until(() => began(items));
    await projector.stop();
    await write(store, ids.slice(0, 3), 4);
    await handle(store, count(newId()));
    await rebuild(store, tallied);
    const truth = await stored(countersRead);
    await shows(ordered, truth);
    await shows(latest, truth);
    await shows(elsewhere, {});
    const again = await project(other);
    await write(store, ids, 1);
    await projected();
    await again.stop();
  });

  it('lead to a gap and a fresh snapshot where nobody knows how far the projector was', async () => {
    const reader = read(feed.ordered(all(tallied)));
    await reader.until(() => began(reader.items));
    await write(store, [newId(), newId()], 3);
    await rebuild(store, tallied);
    await reader.until(() => gaps(reader.items) === 1 && view(reader.items).size === 2);
    expect(sequences(view(reader.items).values())).toEqual(await stored(countersRead));
    await reader.stop();
  });
});

describe('a switch to rows that newer code has folded', () => {
  it('gives subscribers a gap and a fresh snapshot: the same sequence may tell another thing', async () => {
    const id = newId();
    await write(store, [id], 2);
    const tenfold: Projection<CounterRow> = {
      ...countersRead,
      version: 2,
      evolve: (row, event) => ({ total: (row?.total ?? 0) + 10 * (event.payload as { by: number }).by }),
    };
    const newer = await openBoth(database, [tenfold]);
    const ahead = openFeed(newer);
    const reader = read(ahead.ordered(all(tenfold)));
    await reader.until(() => began(reader.items));
    await rebuild(newer, tenfold);
    await reader.until(() => gaps(reader.items) === 1 && view(reader.items).size === 1);
    expect(view(reader.items).get(id)).toMatchObject({ total: 20, lastSequence: 2 });
    ahead.close();
    expect(await reader.ended).toBeUndefined();
  });
});

describe('a generation that is dropped', () => {
  it('because it was replaced, disturbs no subscriber', async () => {
    const id = newId();
    await write(store, [id], 1);
    const reader = read(feed.ordered(all(countersRead)));
    await reader.until(() => began(reader.items));
    await rebuild(store, countersRead);
    await write(store, [id], 1);
    await write(other, [id], 1);
    expect(await dropRetired(store)).toEqual([]);
    const later = new Date(Date.now() + RETAIN_MS);
    expect(await dropRetired(store, later)).toEqual(['counters_read']);
    expect(await dropRetired(other, later)).toEqual([]);
    await write(other, [id], 1);
    await reader.until(() => view(reader.items).get(id)?.lastSequence === 4);
    expectSteps(reader.items, id);
    expect(gaps(reader.items)).toBe(0);
    await reader.stop();
  });

  it('while it is live, is told by a gap', async () => {
    await write(store, [newId()], 1);
    await rebuild(store, countersRead);
    const reader = read(feed.ordered(all(countersRead)));
    await reader.until(() => began(reader.items) && view(reader.items).size === 1);
    await database.db.collection('counters_read_v2').drop();
    await reader.until(() => gaps(reader.items) === 1 && reader.items.at(-1)?.kind === 'snapshot');
    expect(view(reader.items).size).toBe(0);
    const id = newId();
    await write(store, [id], 1);
    await reader.until(() => view(reader.items).has(id));
    expect(gaps(reader.items)).toBe(1);
    await reader.stop();
  });
});
