import { describe, expect, it } from 'vitest';
import { checkPayload, openRegistry } from '../../src/eventstore/registry.ts';
import { plateEvents } from '../../src/vehicle/events.ts';
import { licensePlate, plateId, plateKey, plateText } from '../../src/vehicle/plate.ts';
import { given } from '../given.ts';
import { at } from './cast.ts';

const CAR = '019503a0-0000-7000-8000-000000000001';
const OTHER_CAR = '019503a0-0000-7000-8000-000000000002';
const claim = (vehicleId: string) =>
  ({ type: 'ClaimLicensePlate', licensePlate: 'ABC-123', vehicleId, ...at(0) }) as const;

describe('a licence plate', () => {
  it.each([
    ['  abc-123 ', 'ABC-123'],
    ['b\u2011ma  1234', 'B-MA 1234'],
    ['\uff21\uff22\uff23 12', 'ABC 12'],
    ['2052', '2052'],
    ['МО 77', 'МО 77'],
  ])('typed as %j is shown as %j', (typed, shown) => {
    expect(plateText(typed)).toBe(shown);
  });

  it.each([
    ['ABC-123', 'abc 123'],
    ['ABC-123', ' ABC - 123 '],
    ['ABC-123', 'ABC–123'],
    ['ABC-123', 'ABC·123'],
    ['AB-123-CD', 'ab 123 cd'],
  ])('%j is the same as %j', (one, other) => {
    expect(plateId('demo', one)).toBe(plateId('demo', other));
  });

  it.each([
    ['B-MA 1234', 'BM-A 1234'],
    ['ABC-123', 'ABC123'],
    ['ABC-123', 'ABC-124'],
  ])('%j is another than %j', (one, other) => {
    expect(plateId('demo', one)).not.toBe(plateId('demo', other));
  });

  it('is another in another tenant', () => {
    expect(plateId('demo', 'ABC-123')).not.toBe(plateId('other', 'ABC-123'));
  });

  it('keeps its id for ever: another would let the plate be claimed twice', () => {
    expect(plateKey('ABC-123')).toBe('ABC-123');
    expect(plateId('demo', 'ABC-123')).toMatchInlineSnapshot(`"231445cd-8edd-5cec-9f70-1eaf8e10927d"`);
  });

  it.each(['', '---', 'X'.repeat(33)])('cannot be %j', (text) => {
    const payload = { licensePlate: text, vehicleId: CAR };
    const definition = openRegistry(plateEvents).latest('LicensePlateClaimed');
    expect(checkPayload(definition, { type: 'LicensePlateClaimed', payload })).toMatchObject({
      refused: { code: 'INVALID_INPUT', field: 'licensePlate' },
    });
  });
});

describe('claiming a licence plate', () => {
  it('gives it to the first', () => {
    given(licensePlate)
      .when(claim(CAR))
      .records({ type: 'LicensePlateClaimed', payload: { licensePlate: 'ABC-123', vehicleId: CAR } });
  });

  it('is refused to another vehicle', () => {
    given(licensePlate, claim(CAR)).when(claim(OTHER_CAR)).refuses('LICENSE_PLATE_TAKEN', 'licensePlate');
  });

  it('changes nothing for the vehicle that has it', () => {
    given(licensePlate, claim(CAR)).when(claim(CAR)).records();
  });
});
