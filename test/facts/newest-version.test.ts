import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

/** Files that fold, and where their events were brought to the newest version, or need not be. */
const ELSEWHERE = new Map([
  ['src/eventstore/projection.ts', 'is the fold'],
  [
    'src/eventstore/fold.ts',
    'is the fold of streams; load.ts and snapshot-build.ts call it with the newest version',
  ],
  ['src/eventstore/command/draft.ts', 'folds what it has just made'],
  ['src/eventstore/feed/source/held-at.ts', 'folds what readStream yields'],
  ['src/vehicle/look-up.ts', 'folds what readStream yields'],
  ['src/drill/data/damage.ts', 'folds what readStream yields'],
]);

const folding = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join('src', file))
  .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }))
  .filter(({ text }) => /\bfold(Owned|Event)?\(|\.evolve\(/.test(text));

describe('whoever folds events', () => {
  it('sees the newest version of each: it calls `registry.upcast`, or the list here says who did', () => {
    expect(folding.length).toBeGreaterThan(6);
    const stored = folding.filter(({ file, text }) => !/\bupcast\b/.test(text) && !ELSEWHERE.has(file));
    expect(stored.map(({ file }) => file)).toEqual([]);
  });

  it('is listed here only while it folds', () => {
    const files = folding.map(({ file }) => file);
    expect([...ELSEWHERE.keys()].filter((file) => !files.includes(file))).toEqual([]);
  });
});
