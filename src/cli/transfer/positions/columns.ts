import { StartupError } from '../../../mongo/startup-error.ts';
import { printable } from '../../printable.ts';

/** What a position may be read from, and the column names it is recognised by (case and punctuation aside). */
export const COLUMN_NAMES = {
  plate: ['licenseplate', 'licenceplate', 'plate', 'vehicleid', 'vehicle', 'vehiclenumber', 'registration'],
  time: ['occurredat', 'timestamp', 'time', 'datetime', 'fixtime', 'gpstime'],
  latitude: ['latitude', 'lat'],
  longitude: ['longitude', 'lon', 'lng', 'long'],
  speed: ['speed', 'speedmps', 'speedkmh', 'speedmph', 'speedknots', 'velocity'],
  heading: ['headingdeg', 'heading', 'bearing', 'course'],
  accuracy: ['accuracym'],
  altitude: ['altitudem'],
  odometer: ['odometerm'],
  battery: ['batterypercent'],
  device: ['deviceid'],
} as const satisfies Record<string, readonly string[]>;

export type Field = keyof typeof COLUMN_NAMES;
export const FIELDS = Object.keys(COLUMN_NAMES) as Field[];

/** Where each field stands in a row, from 0; undefined for those that the file has not. */
export type Columns = { readonly [F in Field]?: number | undefined };

/** Metres a second in one of each unit. */
export const SPEED_UNITS = { mps: 1, kmh: 1 / 3.6, mph: 0.44704, knots: 1852 / 3600 } as const;
export type SpeedUnit = keyof typeof SPEED_UNITS;

/** Case and punctuation aside. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

const BY_USUAL_NAME: ReadonlyMap<string, Field> = new Map(
  FIELDS.flatMap((field) => COLUMN_NAMES[field].map((name): [string, Field] => [name, field])),
);

/** The field that a column's name usually stands for. */
export function fieldNamed(name: string): Field | undefined {
  return BY_USUAL_NAME.get(plain(name));
}

/** Names of columns that were chosen by option. */
export type ChosenColumns = { readonly [F in Field]?: string | undefined };

/**
 * Finds each field's column: the one chosen by option, else the first of the usual names that the file has.
 * @param plateGiven whether the vehicle is named elsewhere, so that no column need name it
 * @throws StartupError where a chosen or a required column is not there; the sentence lists what the file has
 */
export function findColumns(header: readonly string[], chosen: ChosenColumns, plateGiven: boolean): Columns {
  const names = header.map((name) => name.trim());
  const usual = names.map(plain);
  const place = (field: Field): number | undefined => {
    const wanted = chosen[field];
    if (wanted !== undefined) return demand(names, names.indexOf(wanted), field, `"${wanted}"`);
    return COLUMN_NAMES[field].map((name) => usual.indexOf(name)).find((index) => index >= 0);
  };
  const found: Columns = Object.fromEntries(FIELDS.map((field) => [field, place(field)]));
  for (const field of ['plate', 'time', 'latitude', 'longitude'] as const)
    if (field !== 'plate' || !plateGiven) demand(names, found[field] ?? -1, field, `for the ${field}`);
  return found;
}

function demand(names: readonly string[], index: number, field: Field, what: string): number {
  if (index >= 0) return index;
  const has = names.map((name) => printable(name)).join(', ');
  throw new StartupError(
    `The file has no column ${printable(what)}. It has: ${has}. Name the right one with --${field}-column.`,
  );
}

/** The unit that a column's own name states: `speed_kmh` → kmh. */
export function unitInName(name: string): SpeedUnit | undefined {
  return (Object.keys(SPEED_UNITS) as SpeedUnit[]).find((unit) => plain(name) === `speed${unit}`);
}
