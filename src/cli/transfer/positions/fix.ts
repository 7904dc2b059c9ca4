import { MEANS_UNKNOWN, type Reading, readingFault } from '../../../vehicle/readings.ts';
import { type Field, SPEED_UNITS, type SpeedUnit } from './columns.ts';
import { momentOf, numberOf, saysUnknown, type Value } from './values.ts';
import type { Zone } from './zone.ts';

/** A position as `trackLocations` takes it. */
export interface FileFix {
  readonly licensePlate: string;
  readonly occurredAt: string;
  readonly longitude: number;
  readonly latitude: number;
  readonly [optional: string]: string | number;
}

/** What became of one place in a file: a position, with why readings were left out of it, or why it is none. */
export type ReadFix =
  | { readonly fix: FileFix; readonly leftOut: readonly string[] }
  | { readonly fault: string };

/** A row, an element or a point of a file. `line` is where it begins, from 1. */
export type FileRow = { readonly line: number } & ReadFix;

export interface FixSettings {
  /** The vehicle of all positions, where the file doesn't say. */
  readonly plate?: string | undefined;
  /** The zone of times that state none. Without it such times are faults. */
  readonly zone?: Zone | undefined;
  /** The unit of speeds. Without it they are not read. */
  readonly speedUnit?: SpeedUnit | undefined;
}

const READINGS = {
  speed: 'speedMps',
  heading: 'headingDeg',
  accuracy: 'accuracyM',
  altitude: 'altitudeM',
  odometer: 'odometerM',
  battery: 'batteryPercent',
} as const satisfies { readonly [F in Field]?: Reading };
const READING_FIELDS = Object.keys(READINGS) as (keyof typeof READINGS)[];

const NOTHING: readonly string[] = [];

/**
 * Makes a position of what a file has. A reading that it does not know, or that is none, is left out; the position stands.
 * Where a coordinate has a comma before its decimals, so has every number of its row.
 */
export function fixOf(valueIn: (field: Field) => Value, settings: FixSettings): ReadFix {
  const licensePlate = settings.plate ?? String(valueIn('plate') ?? '');
  if (licensePlate === '') return { fault: 'no vehicle' };
  const moment = momentOf(valueIn('time'), settings.zone);
  if ('fault' in moment) return moment;
  const [north, east] = [valueIn('latitude'), valueIn('longitude')];
  const comma = [north, east].some((value) => typeof value === 'string' && value.includes(','));
  const latitude = numberOf(north, comma);
  if (latitude === undefined) return { fault: 'latitude is not a number' };
  const longitude = numberOf(east, comma);
  if (longitude === undefined) return { fault: 'longitude is not a number' };
  const optional: Record<string, string | number> = {};
  const device = valueIn('device');
  if (device !== undefined && device !== '') optional.deviceId = String(device);
  let leftOut = NOTHING;
  for (const field of READING_FIELDS) {
    const value = valueIn(field);
    if (value === undefined || value === '') continue;
    const factor = field === 'speed' ? factorOf(settings) : 1;
    if (factor === undefined) continue;
    const read = readingOf(READINGS[field], value, factor, comma);
    if (typeof read === 'number') optional[READINGS[field]] = read;
    else leftOut = [...leftOut, `${field} ${read}`];
  }
  return { fix: { ...optional, licensePlate, occurredAt: moment.at, longitude, latitude }, leftOut };
}

function factorOf({ speedUnit }: FixSettings): number | undefined {
  return speedUnit === undefined ? undefined : SPEED_UNITS[speedUnit];
}

/** A reading in its unit, or why it is none. */
function readingOf(name: Reading, value: Value, factor: number, comma: boolean): number | string {
  if (saysUnknown(value)) return 'is unknown';
  const number = numberOf(value, comma);
  if (number === undefined) return 'is not a number';
  // The number that stands for "unknown" is one of the file's unit.
  const reading = number * factor;
  if (readingFault(name, reading) === undefined) return reading;
  return MEANS_UNKNOWN.has(number) ? 'is unknown' : 'is out of range';
}
