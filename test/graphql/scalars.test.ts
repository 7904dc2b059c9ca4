import { Binary, Decimal128, Double, Long, UUID } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { decodeGlobalId, encodeGlobalId, idOf, newIdOf, toUuid } from '../../src/graphql/global-id.ts';
import { DateTime, parseDateTime, toJson } from '../../src/graphql/scalars.ts';

describe('a DateTime', () => {
  it.each([
    ['2026-03-01T08:30:00Z', '2026-03-01T08:30:00.000Z'],
    ['2026-03-01T08:30Z', '2026-03-01T08:30:00.000Z'],
    ['2026-03-01T08:30:00.123456Z', '2026-03-01T08:30:00.123Z'],
    ['2026-03-01T08:30:00+05:30', '2026-03-01T03:00:00.000Z'],
    ['2024-02-29T23:59:59-06:00', '2024-03-01T05:59:59.000Z'],
  ])('%s is %s', (text, utc) => {
    expect(DateTime.serialize(parseDateTime(text))).toBe(utc);
  });

  it.each([
    '2026-03-01',
    '2026-03-01T08:30:00',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T08:60:00Z',
    '2026-03-01 08:30:00Z',
    ' 2026-03-01T08:30:00Z',
    'now',
    1_772_000_000_000,
    null,
  ])('is not %s', (text) => {
    expect(() => parseDateTime(text)).toThrow('ISO 8601');
  });

  it.each([
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['0000-12-31T20:00:00-06:00', '0001-01-01T02:00:00.000Z'],
  ])('%s is %s, whose year has four digits', (text, utc) => {
    expect(DateTime.serialize(parseDateTime(text))).toBe(utc);
  });

  it.each([
    '9999-12-31T23:59:59-14:00',
    '9999-12-31T23:59:59-00:01',
    '0000-01-01T00:00:00Z',
    '0000-01-01T00:00:00+14:00',
    '0001-01-01T00:00:00+00:01',
  ])('is not %s, whose year in UTC is none of 0001 to 9999', (text) => {
    expect(() => parseDateTime(text)).toThrow(`in the years 0001 to 9999, in UTC; got "${text}"`);
  });

  it('is never made of what is no date', () => {
    expect(() => DateTime.serialize('2026-03-01T08:30:00Z')).toThrow(TypeError);
    expect(() => DateTime.serialize(new Date(Number.NaN))).toThrow(TypeError);
  });
});

describe('a payload as JSON', () => {
  it('shows what the database keeps in the usual text of each type', () => {
    const id = '0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000';
    expect(
      toJson({
        id: new UUID(id),
        at: new Date('2026-03-01T08:30:00Z'),
        bytes: new Binary(Buffer.from('hello')),
        rate: Decimal128.fromString('1234.50'),
        long: Long.fromString('9007199254740993'),
        double: new Double(1.5),
        list: [null, true, 1, { deep: new UUID(id) }],
        nothing: undefined,
      }),
    ).toEqual({
      id,
      at: '2026-03-01T08:30:00.000Z',
      bytes: Buffer.from('hello').toString('base64'),
      rate: '1234.50',
      long: '9007199254740993',
      double: 1.5,
      list: [null, true, 1, { deep: id }],
      nothing: undefined,
    });
  });
});

describe('a global id', () => {
  const id = '0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000';

  it('says what it is the id of, and comes back', () => {
    expect(encodeGlobalId('Tender', id)).toBe(`tender_${id}`);
    expect(encodeGlobalId('LicensePlate', id)).toBe(`license_plate_${id}`);
    for (const type of ['Tender', 'LicensePlate']) {
      expect(decodeGlobalId(encodeGlobalId(type, id))).toEqual({ typename: type, id });
    }
  });

  it('may be given bare, in any case; one of something else is none', () => {
    expect(toUuid('Tender', id.toUpperCase())).toBe(id);
    expect(toUuid('Tender', `tender_${id.toUpperCase()}`)).toBe(id);
    for (const text of [`vehicle_${id}`, `_${id}`, 'tender_', 'tender_1', '', `tender_${id} `]) {
      expect(toUuid('Tender', text), text).toBeUndefined();
    }
  });

  it('is refused by its field: what does not exist is not found, what is to be new is malformed', () => {
    expect(idOf('Tender', 'x', 'tenderId')).toMatchObject({ code: 'NOT_FOUND', field: 'tenderId' });
    expect(newIdOf('Tender', 'x', 'id')).toMatchObject({ code: 'INVALID_INPUT', field: 'id' });
  });
});
