import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../gateway.ts';
import { expectSentence, startCommand, waybill, waybillProcess } from './command.ts';

let folder = '';
let file = '';
let token = '';
let gateway: TestGateway;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-import-'));
  file = join(folder, 'fixes.csv');
  await writeFile(
    file,
    'plate,time,lat,lon\nA 1,2026-01-05T08:00:00Z,30,-97\nA 1,2026-01-05T08:01:00Z,31,-97\n',
  );
  gateway = await startGateway();
  token = await gateway.token();
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true, force: true });
});

const argsOf = (path: string) => ['import-positions', path, '--url', gateway.url, '--token', token];
const send = (path: string, ...more: string[]) => waybill([...argsOf(path), ...more]);

describe('waybill import-positions', () => {
  it('prints a report, and ends with 0 when every row is recorded', async () => {
    const ended = await waybillProcess(argsOf(file));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/2 rows read in .*\n {2}recorded {4}2\n {2}repeated {4}0\n/);
    expect(ended.stdout).toContain('1 vehicles, 1 of them registered now');
  });

  it('ends with 2 when rows were refused, and names them', async () => {
    const path = join(folder, 'refused.csv');
    await writeFile(path, 'plate,time,lat,lon\nA 1,2026-01-05T08:02:00Z,0,0\nA 1,2026-01-05T08:03:00Z,,\n');
    const ended = await send(path);
    expect(ended.code).toBe(2);
    expect(ended.stdout).toContain('NULL_ISLAND: 1 (line 2)');
    expect(ended.stdout).toContain('latitude is not a number: 1 (line 3)');
  });

  it('tells what was left out and what was not read, and shows nothing that a terminal obeys', async () => {
    const path = join(folder, 'escapes.csv');
    const header = 'plate,time,lat,lon,heading,speed,\u001b[31mred';
    const fix = '2026-01-05T08:02:00Z,30,-97,-1,3,x';
    await writeFile(path, `${header}\nE 1,${fix}\nE\u001b[0m 2,${fix}\n`);
    const ended = await send(path);
    expect(ended).toMatchObject({ code: 2, stderr: '' });
    expect(ended.stdout).toContain('  left out    2\n    heading is unknown: 2 (line 2, 3)');
    expect(ended.stdout).toContain('not registered, INVALID_INPUT: E\\x1b[0m 2');
    expect(ended.stdout).toContain('not read: speed, \\x1b[31mred');
    expect(ended.stdout).not.toContain('\u001b');
  });

  it('reads standard input, packed or not', async () => {
    const child = startCommand(['import-positions', '-', '--url', gateway.url, '--token', token], {});
    child.child.stdin?.end(gzipSync('plate;time;lat;lon\nSTDIN 1;2026-01-05T08:00:00Z;30,5;-97,5\n'));
    const ended = await child.ended;
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/1 rows read in .*\n {2}recorded {4}1\n/);
  });

  it('takes the token from the environment, too', async () => {
    const ended = await waybill(['import-positions', file, '--url', gateway.url], { WAYBILL_TOKEN: token });
    expect(ended.code).toBe(0);
  });
});

describe('waybill import-positions with something wrong', () => {
  it('says that there is no such file', async () => {
    expectSentence(await send(join(folder, 'none.csv')), /There is no file .*none\.csv\./);
  });

  it('says which columns the file has', async () => {
    const ended = await send(file, '--plate-column', 'bus');
    expectSentence(ended, 'The file has no column "bus". It has: plate, time, lat, lon.');
  });

  it('says that there is no such zone', async () => {
    expectSentence(await send(file, '--zone', 'Mars/Olympus'), 'a name such as Europe/Berlin');
  });

  it('says that the token is not accepted', async () => {
    const ended = await waybill(['import-positions', file, '--url', gateway.url, '--token', 'nonsense']);
    expectSentence(ended, /does not accept the token: .*\(UNAUTHENTICATED\)/);
  });

  it('says that a token is missing, and how to get one', async () => {
    expectSentence(await waybill(['import-positions', file, '--url', gateway.url]), 'npx waybill token');
  });

  it('says that nobody is there', async () => {
    const url = 'http://127.0.0.1:9/graphql';
    const ended = await waybill(['import-positions', file, '--url', url, '--token', token]);
    expectSentence(ended, 'The gateway at http://127.0.0.1:9/graphql cannot be reached');
  });
});
