import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const MAX_LINES = 400;

/** What is committed or about to be; without git (a copy of the tree) this test has nothing to go by and fails. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => file !== '');

const textOf = (file: string): string => {
  try {
    return readFileSync(join(ROOT, file), 'utf8');
  } catch {
    return ''; // Removed, and not yet committed so.
  }
};
/** The files among `candidates` in which `pattern` is found, with the place: `src/x.ts:12`. */
const places = (candidates: readonly string[], pattern: RegExp): string[] =>
  candidates.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1}`] : [])),
  );

const typescript = files.filter((file) => file.endsWith('.ts'));
const product = typescript.filter((file) => file.startsWith('src/'));
/** What is written by hand. */
const written = files.filter((file) => file !== 'package-lock.json' && !file.startsWith('schema/events/'));

describe('every file of ours', () => {
  it(`has no more than ${MAX_LINES} lines`, () => {
    const long = written.filter(
      (file) => file !== 'schema/waybill.graphql' && textOf(file).split('\n').length > MAX_LINES + 1,
    );
    expect(long).toEqual([]);
  });

  it('is named for what it is about', () => {
    const vague = /(^|\/)(index|utils?|helpers?|types|constants|common|misc|base-?repository)(\.[a-z]+)+$/i;
    expect(typescript.filter((file) => vague.test(file))).toEqual([]);
  });

  it('names no absolute path of a machine', () => {
    const absolute = /(^|[\s'"`(=:])\/(home|root|Users|work|tmp|var|opt|mnt)\/[\w.-]/;
    // Programs that are looked for where systems put them.
    const allowed = /^src\/mongo\/|^\.ci\/run$/;
    expect(
      places(
        written.filter((file) => !allowed.test(file)),
        absolute,
      ),
    ).toEqual([]);
  });

  it("names no package registry's host", () => {
    const hosts = new RegExp(
      ['registry\\.npm', 'npmjs\\.(org|com)', 'registry\\.yarnpkg', 'pypi\\.org', 'pythonhosted'].join('|'),
    );
    const others = files.filter((file) => file !== 'test/facts/files.test.ts');
    expect(places(others, hosts)).toEqual([]);
  });
});

describe('every source', () => {
  it('exports by name', () => {
    expect(places(product, /^\s*export default\b/)).toEqual([]);
  });

  it('is no barrel', () => {
    expect(places(product, /^\s*export \* from\b/)).toEqual([]);
  });

  it('keeps to what the compiler can check', () => {
    expect(places(product, /@ts-(ignore|expect-error|nocheck)|\bas unknown as\b/)).toEqual([]);
  });

  // Handing the whole environment on, to a program that is started, reads nothing from it.
  it('leaves the environment and the arguments to main.ts', () => {
    // The second holds the text of a program for a process of its own, which has arguments of its own.
    const readers = new Set(['src/main.ts', 'src/mongo/program/download-official.ts']);
    const others = product.filter((file) => !readers.has(file));
    expect(places(others, /\bprocess\.(env[.[]|argv\b)/)).toEqual([]);
  });
});

describe('what is pure', () => {
  const pure = product.filter((file) => /^src\/\w+\/(events|state|decide|projection)\.ts$/.test(file));

  it('asks neither the clock nor chance', () => {
    expect(pure.length).toBeGreaterThan(8);
    expect(
      places(pure, /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomUUID\(|\bperformance\.now\(/),
    ).toEqual([]);
  });
});

describe('every test', () => {
  it('is run, and waits for conditions instead of time', () => {
    const tests = typescript.filter(
      (file) => /^test\/.*\.test\.ts$/.test(file) && file !== 'test/facts/files.test.ts',
    );
    expect(places(tests, /\b(it|test|describe)\.(skip|only|todo)\b/)).toEqual([]);
    expect(places(tests, /\bawait new Promise\(\(?\w+\)? => setTimeout\(\w+, \d/)).toEqual([]);
    // `eventually` waits long enough for a busy machine. Here a moment's silence is what is waited for.
    const silence = 'test/eventstore/feed/parity.test.ts';
    const waiting = tests.filter((file) => file !== silence);
    expect(places(waiting, /\bvi\.wait(For|Until)\(|\bretry:/)).toEqual([]);
  });
});
