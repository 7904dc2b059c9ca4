import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLOSE } from '../../src/gateway/socket/close.ts';
import { waybill } from '../cli/command.ts';
import {
  commandsIn,
  curlCommands,
  GENERATED,
  generatedParts,
  linksIn,
  refreshed,
  sectionsOf,
} from './readme.ts';
import { openWhole, type Whole } from './whole.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (page: string): string => readFileSync(resolve(ROOT, page), 'utf8');
const README = read('README.md');
const PAGES = [
  'README.md',
  ...readdirSync(resolve(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

describe.each(PAGES)('%s', (page) => {
  const text = read(page);

  it('has the tables that the code makes (WAYBILL_WRITE=1 writes them)', () => {
    const current = refreshed(text);
    if (process.env.WAYBILL_WRITE === '1') writeFileSync(resolve(ROOT, page), current);
    else expect(text).toBe(current);
  });

  it('names files that are there', () => {
    const named = text.match(/\b(?:src|schema|test)\/[\w./-]*\w/g) ?? [];
    expect(named.filter((file) => !existsSync(resolve(ROOT, file)))).toEqual([]);
  });

  it('links to pages and sections that are there', () => {
    const missing = linksIn(text).filter(({ file, section }) => {
      const target = file === '' ? resolve(ROOT, page) : resolve(ROOT, dirname(page), file);
      if (!existsSync(target)) return true;
      return section !== undefined && !sectionsOf(readFileSync(target, 'utf8')).includes(section);
    });
    expect(missing).toEqual([]);
  });

  it('names npm scripts that are there', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('names commands that are there', async () => {
    for (const words of new Set(commandsIn(text))) {
      const { code } = await waybill([...words.split(' '), '--help'], {});
      expect([words, code]).toEqual([words, 0]);
    }
  });
});

describe('the pages together', () => {
  it('have each generated part once', () => {
    const parts = PAGES.flatMap((page) => generatedParts(read(page)));
    expect(parts.sort()).toEqual(Object.keys(GENERATED).sort());
  });

  it('are all linked from the README, which names many files and its two commands at the top', () => {
    const linked = linksIn(README).map(({ file }) => file);
    expect(PAGES.filter((page) => page !== 'README.md' && !linked.includes(page))).toEqual([]);
    expect((README.match(/\b(?:src|schema|test)\/[\w./-]*\w/g) ?? []).length).toBeGreaterThan(10);
    expect(README.indexOf('npm ci && npm start')).toBeGreaterThan(0);
    expect(README.split('\n').findIndex((line) => line.startsWith('npm ci && npm test'))).toBeLessThan(25);
  });
});

describe('the README', () => {
  it('names every code that sockets are closed with, but bugs', () => {
    const codes = Object.values(CLOSE).map(([code]) => code);
    expect(codes.filter((code) => code !== 1011 && !README.includes(`\n| ${code} |`))).toEqual([]);
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
