import { describe, expect, it } from 'vitest';
import { commandHash, newId, nullsHash } from '../../src/eventstore/ids.ts';

describe('new ids', () => {
  const ids = Array.from({ length: 5_000 }, newId);
  const msOf = (id: string): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16);

  it('are all different', () => {
    expect(new Set(ids).size).toBe(ids.length);
    // Not in their time alone: what is behind it is by chance.
    expect(new Set(ids.map((id) => id.slice(14))).size).toBe(ids.length);
  });

  it('are UUIDs of version 7 (RFC 9562), ordered by their millisecond', () => {
    for (const id of ids)
      expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    const times = ids.map(msOf);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(Math.abs((times[0] ?? 0) - Date.now())).toBeLessThan(60_000);
  });
});

describe('the digest of a command', () => {
  const asked = { b: 1, a: [{ c: null }], at: new Date(0) };

  it('is what it has always been, and takes null for nothing', () => {
    // Fixed for ever: a retry is held against what another version has recorded.
    expect(commandHash('Adjust', 'ann', asked)).toMatchInlineSnapshot(`"bwz4-TvzxSH_jUJEdS99tK"`);
    expect(commandHash('Adjust', 'ann', { ...asked, d: null, e: undefined })).toBe(
      commandHash('Adjust', 'ann', asked),
    );
  });

  it('of its nulls tells where they are, in whatever order, and is empty where there are none', () => {
    expect(nullsHash({ a: 1, b: undefined, c: [null], d: { e: '' } })).toBe('');
    expect(nullsHash(null)).toBe('');
    const nulls = [{ a: null }, { b: null }, { a: null, b: null }, { a: { b: null } }, { a: [{ b: null }] }];
    expect(new Set(nulls.map(nullsHash)).size).toBe(nulls.length);
    expect(nullsHash({ b: null, a: null })).toBe(nullsHash({ a: null, c: undefined, b: null }));
  });
});
