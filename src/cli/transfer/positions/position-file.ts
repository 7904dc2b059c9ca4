import { StartupError } from '../../../mongo/startup-error.ts';
import { openBytes } from '../file-bytes.ts';
import { type CsvOptions, csvRows } from './csv.ts';
import type { FileRow } from './fix.ts';
import { gpxRows } from './gpx.ts';
import { jsonLineRows, jsonRows } from './json.ts';
import { asUtf8 } from './utf16.ts';

// In: a file. Out: its positions, row by row, in constant memory. Bytes are unpacked (file-bytes.ts) and brought to UTF-8 (utf16.ts);
// how they begin tells the format:
//   csv.ts          lines, of which csv-records.ts makes records; columns.ts finds the columns
//   json.ts         lines of JSON; or a document, whose elements json-elements.ts finds
//   gpx.ts          points of tracks
// Each hands what it finds to fix.ts, which makes a position of it by values.ts and zone.ts.

export const FORMATS = ['csv', 'jsonl', 'json', 'gpx'] as const;
export type Format = (typeof FORMATS)[number];

export interface PositionFileOptions extends CsvOptions {
  /** Without it, the file's beginning tells. */
  readonly format?: Format | undefined;
}

/** The rows of a file of positions. */
export interface PositionFile extends AsyncIterable<FileRow> {
  /** How far into the file, as it is stored, reading has come. */
  bytesRead(): number;
}

/** How much of a file is looked at to tell its format. */
const BEGINNING = 65_536;

/**
 * Opens a file of positions; `-` is standard input.
 * @throws StartupError, while reading, where the file cannot be read, is empty, or lacks a column; Unpackable
 */
export function openPositionFile(path: string, options: PositionFileOptions): PositionFile {
  const bytes = openBytes(path);
  return {
    bytesRead: () => bytes.bytesRead(),
    [Symbol.asyncIterator]: () => rowsOf(asUtf8(bytes), path, options),
  };
}

async function* rowsOf(
  chunks: AsyncGenerator<Buffer>,
  path: string,
  options: PositionFileOptions,
): AsyncGenerator<FileRow> {
  let beginning = Buffer.alloc(0);
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    beginning = Buffer.concat([beginning, next.value]);
    if (beginning.length >= BEGINNING) break;
  }
  if (beginning.length === 0) throw new StartupError(`${path} is empty: it has no header row.`);
  const format = options.format ?? formatOf(beginning.subarray(0, BEGINNING).toString(), path);
  yield* READERS[format](chain(beginning, chunks), options);
}

const READERS = { csv: csvRows, jsonl: jsonLineRows, json: jsonRows, gpx: gpxRows };

async function* chain(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

/** By the first character, where the name does not say that lines are JSON. */
function formatOf(beginning: string, path: string): Format {
  if (/\.(jsonl|ndjson|geojsonl)(\.gz)?$/i.test(path)) return 'jsonl';
  const text = beginning.replace(/^\ufeff/, '').trimStart();
  if (text.startsWith('<')) return 'gpx';
  if (!/^[{[]/.test(text)) return 'csv';
  // Where one of the first two lines is an object as far as its ends tell, lines are; a document has a comma there.
  const [first = '', second] = text.split('\n');
  if (second === undefined || second.trim() === '') return isJson(first) ? 'jsonl' : 'json';
  return [first, second].some((line) => /^\s*\{.*\}\s*$/.test(line)) ? 'jsonl' : 'json';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
