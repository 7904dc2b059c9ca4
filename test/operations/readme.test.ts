import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLOSE } from '../../src/gateway/socket/line.ts';
import { curlCommands, refreshed } from './readme.ts';
import { openWhole, type Whole } from './whole.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FILE = resolve(ROOT, 'README.md');
const README = readFileSync(FILE, 'utf8');

describe('the README', () => {
  it('has the tables that the code makes (WAYBILL_WRITE=1 writes them)', () => {
    const current = refreshed(README);
    if (process.env.WAYBILL_WRITE === '1') writeFileSync(FILE, current);
    else expect(README).toBe(current);
  });

  it('names files that are there', () => {
    const named = README.match(/\b(?:src|schema|test)\/[\w./-]*\w/g) ?? [];
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((file) => !existsSync(resolve(ROOT, file)))).toEqual([]);
  });

  it('names every code that sockets are closed with, but bugs', () => {
    const codes = Object.values(CLOSE).map(([code]) => code);
    expect(codes.filter((code) => code !== 1011 && !README.includes(`\n| ${code} |`))).toEqual([]);
  });

  it('names npm scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8'));
    const named = [...README.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('the first subscription and the first tender of the README', () => {
  let whole: Whole;
  beforeAll(async () => {
    whole = await openWhole();
  });
  afterAll(() => whole.close());

  it('work as they are pasted: the subscription sees the tender, and the repeat is one', async () => {
    const [subscription, mutation] = curlCommands(README, await whole.token());
    if (subscription === undefined || mutation === undefined) throw new Error('Two commands are missing.');
    const send = ({ path, headers, body }: typeof mutation) =>
      fetch(whole.origin + path, { method: 'POST', headers, body });
    const stream = await send(subscription);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    const results: unknown[] = [];
    let seen = '';
    for await (const chunk of stream.body ?? []) {
      seen += Buffer.from(chunk).toString();
      if (seen.includes('TenderUpdated')) break;
      if (!seen.includes('TendersSnapshot') || results.length > 0) continue;
      for (let turn = 0; turn < 2; turn += 1)
        results.push((await (await send(mutation)).json()).data.createTender);
    }
    expect(seen).toContain('"event":{"type":"TenderCreated"}');
    expect(results).toMatchObject([
      { repeated: false, tender: { status: 'OPEN' } },
      { repeated: true, tender: { status: 'OPEN' } },
    ]);
  });
});
