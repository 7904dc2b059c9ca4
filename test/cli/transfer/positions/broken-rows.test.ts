import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openRecords } from '../../../../src/cli/transfer/positions/csv-records.ts';
import { itHolds } from '../../../fuzz.ts';
import { faultsIn, fixOf, read } from './read.ts';

const HEADER = 'plate,time,lat,lon,note';
const row = (index: number): string =>
  `BUS ${index},${new Date(Date.UTC(2026, 0, 5, 8, 0, index)).toISOString()},30,-97,note ${index}`;
const rows = (count: number): string[] => Array.from({ length: count }, (_, index) => row(index));
const file = (lines: readonly string[]): string => `${[HEADER, ...lines].join('\n')}\n`;

/** Records of these lines, given to the reader one by one. */
function recordsOf(lines: readonly string[]) {
  const records = openRecords(',');
  const found = lines.flatMap((text, index) => records.add([{ number: index + 1, text }]));
  return [...found, ...records.end()];
}

describe('one stray quote in a file of 5,000 rows', () => {
  it.each(['"', 'BUS 99"', '"BUS 99', `${row(99)}"`, '"BUS,2026-01-05T08:00:00Z,30,-97,note'])(
    'costs its own line only: %s',
    async (broken) => {
      const lines = rows(5_000);
      lines[99] = broken;
      const found = await read(file(lines));
      expect(faultsIn(found)).toEqual([[101, 'not a row of CSV']]);
      expect(found.length).toBe(5_000);
      expect(fixOf(found.at(-1))).toMatchObject({ licensePlate: 'BUS 4999' });
    },
  );

  it('costs its own line only on the last row, too', async () => {
    expect(faultsIn(await read(file([...rows(3), '"BUS 3,x'])))).toEqual([[5, 'not a row of CSV']]);
  });
});

describe('several stray quotes', () => {
  it('cost their own lines only, however near they are', async () => {
    for (const [first, second] of [
      [10, 11],
      [10, 12],
      [10, 50],
      [10, 500],
    ] as const) {
      const lines = rows(1_000);
      lines[first] = `BUS,2026-01-05T08:00:00Z,30,-97,"note`;
      lines[second] = `BUS,2026-01-05T08:00:00Z,30,-97,note"`;
      const found = await read(file(lines));
      const lost = second === first + 1 ? 1 : 2;
      // Two neighbours, of which the first opens and the second closes a field, are what CSV calls one row.
      expect(found.filter((each) => 'fix' in each).length).toBeGreaterThanOrEqual(1_000 - lost);
      expect(faultsIn(found).every(([line]) => line === first + 2 || line === second + 2)).toBe(true);
    }
  });

  itHolds('cost no more than the lines that they are on, wherever they are', { numRuns: 100 }, () =>
    fc.property(fc.uniqueArray(fc.nat(199), { maxLength: 12 }), (broken) => {
      // Each begins with a quote that is not closed; none of them is next to another, which would be legal.
      const places = broken.filter((place) => !broken.includes(place - 1));
      const lines = rows(200).map((text, index) => (places.includes(index) ? `"${text}` : text));
      const found = recordsOf([HEADER, ...lines]);
      const faults = found.filter((each) => 'fault' in each).map(({ line }) => line - 2);
      expect(faults).toEqual(places.toSorted((a, b) => a - b));
      expect(found.length).toBe(201);
    }),
  );
});

describe('a quoted field with line breaks', () => {
  const quoted = `BUS,2026-01-05T08:00:00Z,30,-97,"said ""stop"",\nand, and\n\nwent on"`;

  it('is one row, named by its first line', async () => {
    const found = await read(file([row(0), quoted, row(1), quoted.replace('30', 'x'), row(2)]));
    expect(found.map(({ line }) => line)).toEqual([2, 3, 7, 8, 12]);
    expect(faultsIn(found)).toEqual([[8, 'latitude is not a number']]);
  });

  it('is no row where it swallows lines that are rows', async () => {
    const swallowing = [`BUS,2026-01-05T08:00:00Z,30,-97,"note`, row(1), row(2), 'last words"'];
    const found = await read(file([row(0), ...swallowing, row(3)]));
    expect(faultsIn(found)).toEqual([
      [3, 'not a row of CSV'],
      [6, 'not a row of CSV'],
    ]);
    expect(found.length).toBe(6);
  });

  it('may stand in the header', async () => {
    const text = 'plate,time,lat,lon,"speed\n(km/h)"\nBUS,2026-01-05T08:00:00Z,30,-97,36\n';
    expect(fixOf((await read(text))[0])).toMatchObject({ licensePlate: 'BUS', speedMps: 10 });
  });
});

describe('any lines', () => {
  const line = fc.constantFrom('a,b,c', '"a",b,c', 'a,"b', 'b",c', '"', '"a""b",c,d', 'a,b', '', 'x"y,b,c');
  itHolds(
    'are each a record or a fault, in order, and no good one is lost to a broken one',
    { numRuns: 300 },
    () =>
      fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
        const found = recordsOf(['h,h,h', ...lines]);
        const numbers = found.map((each) => each.line);
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
        expect(new Set(numbers).size).toBe(numbers.length);
        const good = lines.flatMap((text, index) => (text === 'a,b,c' ? [index + 2] : []));
        const swallowed = good.filter((number) => !numbers.includes(number));
        // Only where a legal field goes on over the line before and the line after.
        for (const number of swallowed) {
          const text = lines.slice(0, number - 2).findLast((each) => each !== '');
          expect(text).toContain('"');
        }
      }),
  );
});
