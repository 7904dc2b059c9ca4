import fc from 'fast-check';
import { Timestamp } from 'mongodb';
import { describe, expect, it } from 'vitest';
import {
  ALL,
  InvalidCursorError,
  isBehind,
  placeBehind,
  readCursor,
  scopeOf,
  writeCursor,
} from '../../../src/eventstore/feed/cursor.ts';
import { itHolds } from '../../fuzz.ts';

const SCOPE = scopeOf('tenders_read', 'acme');
const whole = fc.integer({ min: 0, max: 0xffff_ffff });
const places = fc
  .record({ t: whole, i: whole, ordinal: whole })
  .map(({ t, i, ordinal }) => ({ time: new Timestamp({ t, i }), ordinal }));

describe('a cursor', () => {
  itHolds('says the place it was written for, to whom it was written for', { numRuns: 100 }, () =>
    fc.property(places, whole, fc.boolean(), (place, timeline, complete) => {
      const cursor = writeCursor(SCOPE, place, timeline, complete);
      expect(cursor).toMatch(/^[\w-]{28}$/);
      const told = readCursor(SCOPE, cursor);
      expect(told.time.equals(place.time)).toBe(true);
      expect(told).toMatchObject({ ordinal: place.ordinal, timeline, complete });
    }),
  );

  it('of a foreign tenant or of another subscription is none', () => {
    const cursor = writeCursor(SCOPE, placeBehind(new Timestamp({ t: 1, i: 1 })), 7);
    for (const [name, tenantId] of [
      ['tenders_read', 'bolt'],
      ['fleet_status', 'acme'],
      ['events', 'acme'],
    ] as const)
      expect(() => readCursor(scopeOf(name, tenantId), cursor)).toThrow(InvalidCursorError);
  });

  it('that is damaged in any of its characters is none', () => {
    const cursor = writeCursor(SCOPE, { time: new Timestamp({ t: 1_700_000_000, i: 3 }), ordinal: 2 }, 7);
    for (const index of [...cursor].keys()) {
      const other = cursor[index] === 'A' ? 'B' : 'A';
      const damaged = cursor.slice(0, index) + other + cursor.slice(index + 1);
      expect(() => readCursor(SCOPE, damaged)).toThrow(InvalidCursorError);
    }
  });

  it('that was written before cursors told their timeline is read, and tells none', () => {
    // For place (1700000000, 3), ordinal 2, of tenders_read/acme.
    expect(readCursor(SCOPE, 'AgFlU_EAAAAAAwAAAAK7xvQ4s27R')).toMatchObject({
      ordinal: 2,
      complete: true,
      timeline: 0,
    });
  });

  itHolds('is no text of another making', { numRuns: 100 }, () =>
    fc.property(fc.string(), (text) => {
      expect(() => readCursor(SCOPE, text)).toThrow(InvalidCursorError);
    }),
  );
});

describe('places', () => {
  it('come in the order of time, and of changes within it', () => {
    const at = (t: number, ordinal: number) => ({ time: new Timestamp({ t, i: 0 }), ordinal });
    const inOrder = [at(1, 0), at(1, 1), at(1, ALL), at(2, 0), at(0x8000_0000, 1)];
    for (const [a, earlier] of inOrder.entries())
      for (const [b, later] of inOrder.entries()) expect(isBehind(later, earlier)).toBe(b > a);
  });
});
