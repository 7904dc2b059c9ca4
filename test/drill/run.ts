import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Ended, type Variables, waybill, waybillProcess } from '../cli/command.ts';
import type { TestDatabase } from '../database.ts';

/** What a drill needs to work on the MongoDB of the tests. */
export function variablesOf({ uri, db }: TestDatabase): Variables {
  return { MONGODB_URI: uri, WAYBILL_DATABASE: db.databaseName };
}

/** Databases that a drill has made beside the one that it was told of. */
export async function madeBeside({ client, db }: TestDatabase): Promise<string[]> {
  const { databases } = await client.db().admin().listDatabases();
  const own = db.databaseName;
  return databases.map(({ name }) => name).filter((name) => name.startsWith(own) && name !== own);
}

/**
 * Runs a drill with few of everything, on a database of its own beside the given one, and expects that it passes and leaves
 * nothing behind. @returns what it printed
 */
export async function expectPassed(
  database: TestDatabase,
  args: readonly string[],
  more: Variables = {},
): Promise<string> {
  const said = passed(await waybill(['drill', ...args], { ...variablesOf(database), ...more }));
  expect(await madeBeside(database)).toEqual([]);
  // That there was a drill stands in the admin log, and nothing else is left.
  const left = (await database.db.listCollections().toArray()).map(({ name }) => name);
  expect(left.filter((name) => name !== 'admin_actions')).toEqual([]);
  expect(await database.db.collection('admin_actions').distinct('what')).toEqual(
    left.length === 0 ? [] : ['drill'],
  );
  return said;
}

/** As `expectPassed`, in a process of its own, for a drill that makes folders: none is left. */
export async function expectPassedInProcess(
  args: readonly string[],
  variables: Variables = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-drill-test-'));
  try {
    // What the drill makes goes where the test can see that nothing is left of it.
    const own = { TMPDIR: folder, WAYBILL_DATA: folder };
    const said = passed(await waybillProcess(['drill', ...args], { ...own, ...variables }));
    expect((await readdir(folder)).filter((name) => name.startsWith('waybill-drill'))).toEqual([]);
    return said;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function passed({ code, stdout, stderr }: Ended): string {
  expect(stdout + stderr).toMatch(/\nPASSED in [\d.]+ s\n$/);
  expect(code).toBe(0);
  return stdout;
}
