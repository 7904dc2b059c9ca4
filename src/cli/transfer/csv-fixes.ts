import { createReadStream } from 'node:fs';
import { CsvError, type Info, parse } from 'csv-parse';
import { StartupError } from '../../mongo/startup-error.ts';
import {
  type Columns,
  type Field,
  findColumns,
  SPEED_UNITS,
  type SpeedUnit,
  unitInName,
} from './csv-columns.ts';
import { momentOf, numberOf } from './csv-values.ts';
import { unreadable } from './file-error.ts';

/** A quote that is never closed would otherwise read the rest of the file as one field. */
const MAX_ROW_BYTES = 65_536;

/** A position as `trackLocations` takes it. */
export interface CsvFix {
  readonly licensePlate: string;
  readonly occurredAt: string;
  readonly longitude: number;
  readonly latitude: number;
  readonly [optional: string]: string | number;
}

/** A row of the file: a position, or why it is none. `line` counts from 1, the header included. */
export type CsvRow = { readonly line: number; readonly bytes: number } & (
  | { readonly fix: CsvFix }
  | { readonly fault: string }
);

export interface CsvOptions {
  /** Column names given by the caller. */
  readonly columns: { readonly [F in Field]?: string };
  /** Where neither this nor the column's name says the unit, speeds are not read. */
  readonly speedUnit?: SpeedUnit;
  readonly delimiter: string;
  /** The zone of times that state none: `Z` or `+01:00`. Without it such times are faults. */
  readonly zone?: string;
}

/**
 * Reads positions row by row, in constant memory.
 * @throws StartupError where the file cannot be read, is empty, or lacks a column
 */
export async function* readFixes(path: string, options: CsvOptions): AsyncGenerator<CsvRow> {
  let faulty = 0;
  const skipped: { line: number; fault: string }[] = [];
  const parser = parse({
    bom: true,
    delimiter: options.delimiter,
    info: true,
    max_record_size: MAX_ROW_BYTES,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      const line = lineOf(error);
      // One row may hold several faults; it is one row all the same.
      if (line !== faulty) skipped.push({ line, fault: 'not a row of CSV' });
      faulty = line;
      return undefined;
    },
    trim: true,
  });
  const file = createReadStream(path);
  file.on('error', (error) => parser.destroy(unreadable(path, error)));
  file.pipe(parser);
  let reader: ((record: readonly string[]) => { fix: CsvFix } | { fault: string }) | undefined;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      if (reader === undefined) reader = rowReader(record, options);
      else yield { line: info.lines, bytes: info.bytes, ...reader(record) };
      for (const row of skipped.splice(0)) yield { bytes: info.bytes, ...row };
    }
  } finally {
    file.destroy();
  }
  if (reader === undefined) throw new StartupError(`${path} has no header row.`);
  for (const row of skipped) yield { bytes: parser.info.bytes, ...row };
}

function lineOf(error: CsvError | undefined): number {
  const line = error instanceof CsvError ? error.lines : undefined;
  return typeof line === 'number' ? line : 0;
}

const NUMBERS = {
  heading: 'headingDeg',
  accuracy: 'accuracyM',
  altitude: 'altitudeM',
  odometer: 'odometerM',
  battery: 'batteryPercent',
} as const;

/** Makes the reader of one row, for a file with this header. @throws StartupError where a column is missing */
function rowReader(header: readonly string[], options: CsvOptions) {
  const columns = findColumns(header, options.columns);
  const speedUnit = speedUnitOf(header, columns, options);
  return (record: readonly string[]): { fix: CsvFix } | { fault: string } => {
    if (record.length !== header.length) return { fault: 'wrong number of columns' };
    const text = (field: Field) => record[columns[field] ?? -1] ?? '';
    const licensePlate = text('plate');
    const occurredAt = momentOf(text('time'), options.zone);
    const [latitude, longitude] = [numberOf(text('latitude')), numberOf(text('longitude'))];
    if (licensePlate === '') return { fault: 'no vehicle' };
    if (occurredAt === undefined) return { fault: 'time is not ISO 8601 with a zone, nor Unix time' };
    if (latitude === undefined) return { fault: 'latitude is not a number' };
    if (longitude === undefined) return { fault: 'longitude is not a number' };
    const fix: Record<string, string | number> = {};
    if (text('device') !== '') fix.deviceId = text('device');
    for (const [field, name] of Object.entries(NUMBERS) as [keyof typeof NUMBERS, string][]) {
      const value = numberOf(text(field));
      if (value !== undefined) fix[name] = value;
      else if (text(field) !== '') return { fault: `${field} is not a number` };
    }
    if (speedUnit !== undefined && text('speed') !== '') {
      const speed = numberOf(text('speed'));
      if (speed === undefined) return { fault: 'speed is not a number' };
      fix.speedMps = speed * SPEED_UNITS[speedUnit];
    }
    return { fix: { ...fix, licensePlate, occurredAt, longitude, latitude } };
  };
}

function speedUnitOf(
  header: readonly string[],
  columns: Columns,
  options: CsvOptions,
): SpeedUnit | undefined {
  if (options.speedUnit === undefined) return unitInName(header[columns.speed ?? -1] ?? '');
  if (columns.speed !== undefined) return options.speedUnit;
  throw new StartupError(
    `There is a --speed-unit but no column of speeds. The file has: ${header.join(', ')}. Name it with --speed-column.`,
  );
}
