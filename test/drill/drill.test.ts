import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBoardReader } from '../../src/drill/client/board-reader.ts';
import { subscribeToBoard } from '../../src/drill/client/board-subscriber.ts';
import { fleetOf } from '../../src/drill/data/commands.ts';
import { makeLog } from '../../src/drill/data/make-log.ts';
import { STREAM_KINDS } from '../../src/drill/data/stream-kinds.ts';
import { openDrillReport } from '../../src/drill/report.ts';
import { openFeed } from '../../src/eventstore/feed/feed.ts';
import type { Row } from '../../src/eventstore/projection.ts';
import { startCommand } from '../cli/command.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { openWholeStore } from '../dispatch/stage.ts';
import { eventually } from '../eventually.ts';
import { driftOf, expectNoHoles, streamsOf } from '../log-oracle.ts';
import { expectPassed, madeBeside, variablesOf } from './run.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await openDatabase();
});
afterEach(() => database.close());

describe('a drill on a database of its own, beside the configured one', () => {
  it('duplicates: every command is recorded once, however often it comes', async () => {
    const said = await expectPassed(database, ['duplicates', '--events', '300', '--streams', '30']);
    expect(said).toMatch(/300 commands were sent [\d,]+ times/);
  });

  it('drift: verify names what was damaged and nothing else, and mends it', async () => {
    const said = await expectPassed(database, ['drift', '--rows', '2400', '--seed', 'tests']);
    expect(said).toContain('damaged 24 rows, 6 wrong, 6 missing, 6 extra, 6 stale');
    expect(said).toContain('verify named 24 rows');
    expect(said).toContain('mended 24 rows');
  });
});

describe('a drill that is stopped by Ctrl-C', () => {
  it('drops its database and fails', async () => {
    const drill = startCommand(['drill', 'drift', '--rows', '1000000'], variablesOf(database));
    await eventually(async () => expect(await madeBeside(database)).toHaveLength(1));
    drill.child.kill('SIGINT');
    const { code, stdout } = await drill.ended;
    expect(stdout).toMatch(/\nFAILED: stopped after [\d.]+ s; the database is dropped\n$/);
    expect(code).toBe(1);
    expect(await madeBeside(database)).toEqual([]);
  });
});

describe('a drill that finds something', () => {
  it('says what, and fails', () => {
    const lines: string[] = [];
    const report = openDrillReport((line) => void lines.push(line));
    report.problem('a row is gone.');
    report.problem('a row is old.');
    expect(report.verdict()).toBe(1);
    expect(lines.at(-1)).toMatch(/^FAILED: a row is gone\. And 1 more\. \([\d.]+ s\)$/);
  });

  it('is no less strict than its readers: they see what is shorter, older or left out', async () => {
    const [kind] = STREAM_KINDS;
    if (kind === undefined) throw new Error('There is no kind.');
    const lines: string[] = [];
    const report = openDrillReport((line) => void lines.push(line));
    const store = await openWholeStore(database);
    const streams = await makeLog(store, { kind, events: 60, streams: 20, seed: 'tests' });
    const feed = openFeed(store);
    const board = { kind, fleetId: fleetOf(0), report };
    const [subscriber, reader] = [subscribeToBoard(feed, board), startBoardReader(store, board)];
    await subscriber.began;
    await eventually(() => expect(reader.reads).toBeGreaterThan(0));
    const rows = database.db.collection<Row>(kind.projection.name);
    const row = await rows.findOne({ id: streams[0]?.id ?? '' });
    if (row === null) throw new Error('There is no row.');
    const { _id, lastSequence, ...rest } = row;
    const finds = (words: string) => eventually(() => expect(lines.join('\n')).toContain(words));
    await rows.replaceOne({ _id }, { ...rest, lastSequence: lastSequence + 2 });
    await finds(`was told ${lastSequence + 2} of ${row.id} after ${lastSequence}`);
    await eventually(() => expect(reader.reads).toBeGreaterThan(2));
    await rows.replaceOne({ _id }, { ...rest, lastSequence: 1 });
    await finds(`${row.id} was at ${lastSequence + 2}, then at 1`);
    await rows.deleteOne({ _id });
    await finds('had 1 rows, then 0');
    await finds(`was told that ${row.id} has left`);
    await Promise.all([subscriber.stop(), reader.stop()]);
    feed.close();
  });
});

describe('the log that drills make', () => {
  it('is one as the product writes it: no holes, and the rows are its folds', async () => {
    const store = await openWholeStore(database);
    for (const kind of STREAM_KINDS) {
      const made = await makeLog(store, { kind, events: 205, streams: 20, seed: 'tests' });
      expect(made.map(({ events }) => events)).toEqual([...Array(5).fill(11), ...Array(15).fill(10)]);
    }
    const streams = await streamsOf(database.db);
    expectNoHoles(streams);
    expect([...streams.values()].flat()).toHaveLength(3 * 205);
    expect(await driftOf(database.db, streams)).toEqual([]);
  });
});
