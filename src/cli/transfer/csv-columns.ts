import { StartupError } from '../../mongo/startup-error.ts';

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

const REQUIRED = ['plate', 'time', 'latitude', 'longitude'] as const satisfies readonly Field[];

/** Where each field stands in a row, from 0. */
export type Columns = { readonly [F in (typeof REQUIRED)[number]]: number } & {
  readonly [F in Field]?: number;
};

/** Metres a second in one of each unit. */
export const SPEED_UNITS = { mps: 1, kmh: 1 / 3.6, mph: 0.44704, knots: 1852 / 3600 } as const;
export type SpeedUnit = keyof typeof SPEED_UNITS;

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/**
 * Finds each field's column: the one chosen by option, else the first of the usual names that the file has.
 * @throws StartupError where a chosen or a required column is not there; the sentence lists what the file has
 */
export function findColumns(header: readonly string[], chosen: { readonly [F in Field]?: string }): Columns {
  const names = header.map((name) => name.trim());
  const place = (field: Field): number | undefined => {
    const wanted = chosen[field];
    if (wanted !== undefined) return demand(names, names.indexOf(wanted), field, `"${wanted}"`);
    const usual = names.map(plain);
    const found = COLUMN_NAMES[field].map((name) => usual.indexOf(name)).find((index) => index >= 0);
    return found;
  };
  const found = Object.fromEntries(FIELDS.map((field) => [field, place(field)]));
  const required = (field: Field) => demand(names, found[field] ?? -1, field, `for the ${field}`);
  const core = {
    plate: required('plate'),
    time: required('time'),
    latitude: required('latitude'),
    longitude: required('longitude'),
  };
  return { ...found, ...core };
}

function demand(names: readonly string[], index: number, field: Field, what: string): number {
  if (index >= 0) return index;
  throw new StartupError(
    `The file has no column ${what}. It has: ${names.join(', ')}. Name the right one with --${field}-column.`,
  );
}

/** The unit that a column's own name states: `speed_kmh` → kmh. */
export function unitInName(name: string): SpeedUnit | undefined {
  return (Object.keys(SPEED_UNITS) as SpeedUnit[]).find((unit) => plain(name) === `speed${unit}`);
}
