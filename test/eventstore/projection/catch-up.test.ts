import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { catchUpRows } from '../../../src/eventstore/projection/catch-up.ts';
import { seal } from '../../../src/eventstore/projection/generation/seal.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { driftOf, streamsOf } from '../../log-oracle.ts';
import { bareCounter, count, countersRead, openCounterStore } from '../counter.ts';

let database: TestDatabase;
let store: Store;
const ids = Array.from({ length: 700 }, newId);
beforeEach(async () => {
  database = await openDatabase();
  store = await openCounterStore(database);
});
afterEach(() => database.close());

/** Puts an event on each stream past its row, as an import does. */
async function recordWithoutRows(streams: readonly string[]): Promise<void> {
  await handleMany(
    store,
    streams.map((id) => count(id, { aggregate: bareCounter, amount: 7 })),
  );
}

const drift = async () => driftOf(database.db, await streamsOf(database.db), [countersRead]);

describe('Rows of an inline read model that are behind the log', () => {
  it('are caught up: missing ones and stale ones, and no others', async () => {
    await handleMany(
      store,
      ids.slice(0, 20).map((id) => count(id)),
    );
    await recordWithoutRows(ids.slice(10));
    expect(await catchUpRows(store, countersRead)).toEqual({
      projection: 'counters_read',
      rows: 690,
      poisoned: 0,
      complete: true,
    });
    expect(await drift()).toEqual([]);
    expect(await catchUpRows(store, countersRead)).toMatchObject({ rows: 0 });
  });

  it('are caught up beside commands on the same streams', async () => {
    await recordWithoutRows(ids);
    const other = await openCounterStore(database);
    const busy = ids.filter((_, index) => index % 7 === 0);
    const commands = Promise.all(
      busy.flatMap((id) => [count(id), count(id)]).map((each) => handle(other, each)),
    );
    await Promise.all([catchUpRows(store, countersRead), catchUpRows(other, countersRead), commands]);
    for (const outcome of await commands) expect(outcome.kind).toBe('recorded');
    expect(await drift()).toEqual([]);
  });

  it('wait for the end of a switch', async () => {
    await recordWithoutRows(ids.slice(0, 5));
    // Nobody stands behind this seal: it is taken off when it has lasted too long.
    await seal(database.db, 'counters_read');
    expect(await catchUpRows(store, countersRead)).toMatchObject({ rows: 5, complete: true });
    expect(await drift()).toEqual([]);
  });
});
