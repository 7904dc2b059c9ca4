import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { momentOf } from '../../../../src/cli/transfer/positions/values.ts';
import { zoneOf } from '../../../../src/cli/transfer/positions/zone.ts';

const berlin = zoneOf('Europe/Berlin');
const moment = (text: string, zone = berlin) => {
  const read = momentOf(text, zone);
  return 'at' in read ? read.at : read.fault;
};

describe('a time in a zone by name', () => {
  it('has the offset of its own day', () => {
    expect(moment('2026-01-15 12:00')).toBe('2026-01-15T11:00:00.000Z');
    expect(moment('2026-07-15 12:00')).toBe('2026-07-15T10:00:00.000Z');
    expect(moment('2026-07-15 12:00', zoneOf('Asia/Kolkata'))).toBe('2026-07-15T06:30:00.000Z');
    expect(moment('2026-07-15 12:00', zoneOf('-05:00'))).toBe('2026-07-15T17:00:00.000Z');
    expect(moment('2026-07-15 12:00', zoneOf('+05:30'))).toBe('2026-07-15T06:30:00.000Z');
  });

  it('goes by what it states itself, where it does', () => {
    expect(moment('2026-07-15T12:00:00Z')).toBe('2026-07-15T12:00:00.000Z');
    expect(moment('2026-07-15T12:00:00-05')).toBe('2026-07-15T17:00:00.000Z');
    expect(moment('2026-07-15T12:00:00,5+0530')).toBe('2026-07-15T06:30:00.500Z');
  });

  it('is no moment where the clocks went forward over it', () => {
    expect(moment('2026-03-29 01:59:59')).toBe('2026-03-29T00:59:59.000Z');
    expect(moment('2026-03-29 02:30:00')).toBe(
      'time does not occur in Europe/Berlin: the clocks went forward over it',
    );
    expect(moment('2026-03-29 03:00:00')).toBe('2026-03-29T01:00:00.000Z');
  });

  it('is no moment where it occurs twice, unless which is said', () => {
    expect(moment('2026-10-25 01:59:59')).toBe('2026-10-24T23:59:59.000Z');
    expect(moment('2026-10-25 02:30:00')).toBe(
      'time occurs twice in Europe/Berlin, as the clocks went back: say which by --repeated-hour',
    );
    expect(moment('2026-10-25 02:30:00', zoneOf('Europe/Berlin', 'first'))).toBe('2026-10-25T00:30:00.000Z');
    expect(moment('2026-10-25 02:30:00', zoneOf('Europe/Berlin', 'second'))).toBe('2026-10-25T01:30:00.000Z');
    expect(moment('2026-10-25 03:00:00')).toBe('2026-10-25T02:00:00.000Z');
  });

  it('is what the clocks there show at its moment', () => {
    const zones = ['Europe/Berlin', 'America/Chicago', 'Australia/Lord_Howe', 'America/St_Johns', 'UTC'];
    const days = fc.date({ min: new Date('1990-01-01'), max: new Date('2037-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(fc.constantFrom(...zones), days, (name, at) => {
        const shown = new Date(at.toLocaleString('sv-SE', { timeZone: name }).replace(' ', 'T').concat('Z'));
        const found = [zoneOf(name, 'first'), zoneOf(name, 'second')].map((zone) =>
          zone.momentOf(shown.getTime()),
        );
        expect(found).toContain(Math.floor(at.getTime() / 1_000) * 1_000);
      }),
    );
  });

  it('needs the name of a zone', () => {
    expect(() => zoneOf('Berlin')).toThrow('a name such as Europe/Berlin');
    expect(momentOf('2026-01-15 12:00', undefined)).toEqual({
      fault: 'time is not ISO 8601 with a zone, nor Unix time',
    });
  });
});
