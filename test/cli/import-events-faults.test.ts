import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type TestDatabase } from '../database.ts';
import { eventually, untilTrue } from '../eventually.ts';
import { startGateway } from '../gateway.ts';
import { tour } from '../journey/tour.ts';
import { expectNoHoles, streamsOf } from '../log-oracle.ts';
import { MAIN, waybill, waybillProcess } from './command.ts';
import { countsOf, expectLevel, failCommands, fileOf, fleetLines, variablesOf } from './event-files.ts';

const VEHICLES = 60;
const FIXES = 199;
const EVENTS = VEHICLES * (FIXES + 1);

let folder = '';
let path = '';
const opened: TestDatabase[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-faults-'));
  path = join(folder, 'fleet.ndjson');
  await writeFile(path, fileOf(fleetLines(VEHICLES, FIXES)));
});
afterAll(async () => {
  for (const database of opened) await database.close();
  await rm(folder, { recursive: true, force: true });
});

async function emptyDatabase(): Promise<TestDatabase> {
  const database = await openDatabase();
  opened.push(database);
  return database;
}

const importInto = (database: TestDatabase, run = waybill) =>
  run(['import-events', path], variablesOf(database));
const recorded = (db: Db) => db.collection('events').estimatedDocumentCount();

describe('An import that is killed in the middle', () => {
  function start(database: TestDatabase): ChildProcess {
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, ...variablesOf(database) };
    return spawn(process.execPath, [MAIN, 'import-events', path], { env, stdio: 'ignore' });
  }

  it('leaves no hole, and is mended by running it again', async () => {
    const database = await emptyDatabase();
    for (const reached of [1, EVENTS / 3]) {
      const child = start(database);
      await untilTrue(async () => (await recorded(database.db)) >= reached, { lookMs: 5 });
      child.kill('SIGKILL');
      await once(child, 'exit');
      expectNoHoles(await streamsOf(database.db));
    }
    const ended = await importInto(database);
    expect(ended.code, ended.stderr + ended.stdout).toBe(0);
    const { recorded: now = 0, repeated = 0 } = countsOf(ended);
    expect(repeated).toBeGreaterThan(0);
    expect(now + repeated).toBe(EVENTS);
    expect(await recorded(database.db)).toBe(EVENTS);
    await expectLevel(database.db);
  });
});

describe('An import whose connections break', () => {
  it('records each event once all the same', async () => {
    const database = await emptyDatabase();
    const appName = 'broken-lines';
    const fault = { failCommands: ['commitTransaction'], closeConnection: true } as const;
    await failCommands(database, appName, { times: 12 }, fault);
    const ended = await waybill(['import-events', path], variablesOf(database, appName));
    expect(ended.code, ended.stderr + ended.stdout).toBe(0);
    expect(await recorded(database.db)).toBe(EVENTS);
    await expectLevel(database.db);
  });
});

describe('Two imports of one file at once', () => {
  it('record each event once, and neither refuses any', async () => {
    const database = await emptyDatabase();
    const both = await Promise.all([importInto(database), importInto(database, waybillProcess)]);
    for (const ended of both) expect(ended.code, ended.stderr + ended.stdout).toBe(0);
    const sum = (name: string) => both.reduce((total, ended) => total + (countsOf(ended)[name] ?? 0), 0);
    expect([sum('recorded'), sum('repeated')]).toEqual([EVENTS, EVENTS]);
    await expectLevel(database.db);
  });
});

describe('An import beside a gateway that serves and writes', () => {
  it('comes to whole rows on both sides, and the gateway never says that it is behind', async () => {
    const gateway = await startGateway();
    opened.push(gateway.database);
    try {
      let tours = 0;
      let isOver = false;
      const touring = (async () => {
        for (; !isOver; tours++) await tour(gateway);
      })();
      const lags: number[] = [];
      const looking = (async () => {
        while (!isOver) {
          const { projections } = await gateway.data('{ projections { name lagMs } }');
          lags.push(...projections.map(({ lagMs }: { lagMs: number }) => lagMs));
        }
      })();
      const ended = await importInto(gateway.database);
      isOver = true;
      await Promise.all([touring, looking]);
      expect(ended.code, ended.stderr + ended.stdout).toBe(0);
      expect(countsOf(ended)).toMatchObject({ recorded: EVENTS, refused: 0 });
      expect(tours).toBeGreaterThan(0);
      // The events are months old; how long they have been in this log is what counts.
      expect(Math.max(...lags)).toBeLessThan(30_000);
      await eventually(() => expectLevel(gateway.database.db));
    } finally {
      await gateway.close();
      opened.pop();
    }
  });
});

describe('Lines through a pipe', () => {
  async function pipe(text: string, database: TestDatabase): Promise<number> {
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, ...variablesOf(database) };
    const child = spawn(process.execPath, [MAIN, 'import-events', '-'], {
      env,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin.end(text);
    const [code] = await once(child, 'exit');
    return code;
  }

  it('are recorded as they come, and it is told where they are cut off', async () => {
    const [source, target] = [await emptyDatabase(), await emptyDatabase()];
    expect(await pipe(fileOf(fleetLines(3, 50)), source)).toBe(0);
    const { stdout } = await waybill(['export-events'], variablesOf(source));
    expect(await pipe(stdout.slice(0, -100), target)).toBe(1);
    expect(await pipe(stdout, target)).toBe(0);
    await expectLevel(target.db);
  });
});

describe('An export beside a gateway that writes', () => {
  it('has no event of a command without the others', async () => {
    const gateway = await startGateway();
    try {
      let isOver = false;
      const touring = Promise.all(
        [1, 2, 3].map(async () => {
          while (!isOver) await tour(gateway);
        }),
      );
      for (let round = 0; round < 4; round++) {
        const ended = await waybill(['export-events'], variablesOf(gateway.database));
        expect(ended.code, ended.stderr).toBe(0);
        const events = ended.stdout
          .trimEnd()
          .split('\n')
          .slice(1, -1)
          .map((line) => JSON.parse(line));
        const commands = new Map<string, { size: number; told: number }>();
        for (const { metadata } of events) {
          const { correlationId, commandHash, commandSize = 1 } = metadata;
          const key = `${correlationId}/${commandHash}`;
          commands.set(key, { size: commandSize, told: (commands.get(key)?.told ?? 0) + 1 });
        }
        expect([...commands.values()].filter(({ size, told }) => size !== told)).toEqual([]);
      }
      isOver = true;
      await touring;
    } finally {
      await gateway.close();
    }
  });
});
