import { describe, expect, it } from 'vitest';
import { newId } from '../../src/eventstore/ids.ts';

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
