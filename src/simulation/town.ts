import { type SeededRandom, seededRandom } from '../client/seeded-random.ts';

/** A place: WGS 84 degrees, longitude first. */
export type LonLat = readonly [longitude: number, latitude: number];

/** Crossings on each side of the town, and how far apart they are. */
const CROSSINGS = 24;
const BLOCK_M = 180;
/** Streets are not quite straight: each crossing lies off the grid by up to this. */
const CROOKED_M = 35;
const METRES_PER_DEGREE = 111_320;

const NAMES = [
  'Mill',
  'Harbour',
  'Station',
  'Church',
  'Market',
  'Bridge',
  'Garden',
  'Depot',
  'Quarry',
  'Lake',
];
const KINDS = ['Street', 'Road', 'Lane', 'Square', 'Row'];

/** A made-up town: streets in a crooked grid. The same for the same seed. */
export interface Town {
  /** Some crossing, with the address that stands there. */
  somewhere(random: SeededRandom): Crossing;
  /** The way along the streets, both ends included. */
  way(from: Crossing, to: Crossing, random: SeededRandom): LonLat[];
}

export interface Crossing {
  readonly column: number;
  readonly row: number;
  readonly position: LonLat;
  readonly address: string;
}

export function makeTown(seed: string, [centreLongitude, centreLatitude]: LonLat): Town {
  const random = seededRandom(`town ${seed}`);
  const perLatitude = 1 / METRES_PER_DEGREE;
  const perLongitude = perLatitude / Math.cos((centreLatitude * Math.PI) / 180);
  const grid = Array.from({ length: CROSSINGS }, (_, column) =>
    Array.from({ length: CROSSINGS }, (_, row): Crossing => {
      const east = (column - CROSSINGS / 2) * BLOCK_M + random.between(-CROOKED_M, CROOKED_M);
      const north = (row - CROSSINGS / 2) * BLOCK_M + random.between(-CROOKED_M, CROOKED_M);
      const position: LonLat = [centreLongitude + east * perLongitude, centreLatitude + north * perLatitude];
      const address = `${random.pick(NAMES)} ${random.pick(KINDS)} ${random.whole(1, 120)}`;
      return { column, row, position, address };
    }),
  );
  const crossing = (column: number, row: number): Crossing => {
    const found = grid[column]?.[row];
    if (found === undefined) throw new RangeError(`There is no crossing ${column}, ${row}.`);
    return found;
  };

  return {
    somewhere: (by) => crossing(by.whole(0, CROSSINGS - 1), by.whole(0, CROSSINGS - 1)),
    way(from, to, by) {
      const positions = [from.position];
      let { column, row } = from;
      while (column !== to.column || row !== to.row) {
        const along = row === to.row || (column !== to.column && by.chance(0.5));
        if (along) column += Math.sign(to.column - column);
        else row += Math.sign(to.row - row);
        positions.push(crossing(column, row).position);
      }
      return positions;
    },
  };
}

/** Metres between two places that are near each other. */
export function distanceM([fromLongitude, fromLatitude]: LonLat, [toLongitude, toLatitude]: LonLat): number {
  const north = (toLatitude - fromLatitude) * METRES_PER_DEGREE;
  const east = (toLongitude - fromLongitude) * METRES_PER_DEGREE * Math.cos((fromLatitude * Math.PI) / 180);
  return Math.hypot(north, east);
}

/** The direction from one place to another near it: degrees clockwise from north, 0 up to 360. */
export function headingDeg([fromLongitude, fromLatitude]: LonLat, [toLongitude, toLatitude]: LonLat): number {
  const east = (toLongitude - fromLongitude) * Math.cos((fromLatitude * Math.PI) / 180);
  const degrees = (Math.atan2(east, toLatitude - fromLatitude) * 180) / Math.PI;
  return (degrees + 360) % 360;
}
