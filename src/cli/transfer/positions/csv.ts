import { isUtf8 } from 'node:buffer';
import { StartupError } from '../../../mongo/startup-error.ts';
import { printable } from '../../printable.ts';
import { type Line, linesOf } from '../file-lines.ts';
import { type ChosenColumns, type Columns, type Field, findColumns, unitInName } from './columns.ts';
import { type CsvRecord, openRecords, parseQuoted, type TextLine } from './csv-records.ts';
import { type FileRow, type FixSettings, fixOf, type ReadFix } from './fix.ts';

export interface CsvOptions extends FixSettings {
  /** Column names given by the caller. */
  readonly columns: ChosenColumns;
  /** What stands between columns; without it, what the first row has most of. */
  readonly delimiter?: string | undefined;
  /** Called with the columns that are not read, once the first row is. */
  onUnread?(names: readonly string[]): void;
}

/**
 * Reads positions row by row, in constant memory. Text is UTF-8; a line that is not is taken for Latin-1 (Windows-1252).
 * @throws StartupError where the file is empty or lacks a column
 */
export async function* csvRows(chunks: AsyncIterable<Buffer>, options: CsvOptions): AsyncGenerator<FileRow> {
  let reader: CsvReader | undefined;
  for await (const lines of linesOf(chunks)) {
    for (const line of lines) {
      const text = textOf(line);
      reader ??= readerFrom(text, options);
      if (reader !== undefined) yield* reader.add(text);
    }
  }
  if (reader === undefined) throw new StartupError('The file has no header row.');
  yield* reader.end();
}

const LATIN_1 = new TextDecoder('windows-1252');

function textOf({ number, bytes }: Line): TextLine {
  if (bytes === undefined) return { number, text: undefined };
  return { number, text: isUtf8(bytes) ? bytes.toString() : LATIN_1.decode(bytes) };
}

interface CsvReader {
  add(line: TextLine): FileRow[];
  /** @throws StartupError where there was no header */
  end(): FileRow[];
}

/** The reader of a file that begins with this line; undefined where that is blank, or only says what stands between columns. */
function readerFrom({ number, text }: TextLine, options: CsvOptions): CsvReader | undefined {
  if (text === undefined) throw new StartupError('The first row is longer than any header.');
  if (text.trim() === '') return undefined;
  // Excel's own way to say it.
  const [, said] = (number === 1 && /^sep=(.)$/.exec(text)) || [];
  const delimiter = options.delimiter ?? said ?? delimiterOf(text);
  const reader = openReader(delimiter, options);
  if (said === undefined) return reader;
  return { ...reader, add: (line) => (line.number === 1 ? [] : reader.add(line)) };
}

function openReader(delimiter: string, options: CsvOptions): CsvReader {
  const records = openRecords(delimiter);
  let read: ((cells: readonly string[]) => ReadFix) | undefined;
  const rowsOf = (found: readonly CsvRecord[]): FileRow[] =>
    found.flatMap((record): FileRow[] => {
      if ('fault' in record) {
        if (read === undefined) throw new StartupError('The first row is not a row of CSV.');
        return [record];
      }
      if (read !== undefined) return [{ line: record.line, ...read(record.cells) }];
      read = rowReader(record.cells, options);
      return [];
    });
  return {
    add: (line) => rowsOf(records.add([line])),
    end: () => {
      const rows = rowsOf(records.end());
      if (read === undefined) throw new StartupError('The file has no header row.');
      return rows;
    },
  };
}

/** Of the usual delimiters the one that makes most columns of the header. */
function delimiterOf(header: string): string {
  const widths = [',', ';', '\t', '|'].map((delimiter) => ({
    delimiter,
    width: parseQuoted(header, delimiter)?.length ?? header.split(delimiter).length,
  }));
  return widths.reduce((best, each) => (each.width > best.width ? each : best)).delimiter;
}

/** Makes the reader of one row, for a file with this header. @throws StartupError where a column is missing */
function rowReader(header: readonly string[], options: CsvOptions): (cells: readonly string[]) => ReadFix {
  const columns = findColumns(header, options.columns, options.plate !== undefined);
  const settings = { ...options, speedUnit: speedUnitOf(header, columns, options) };
  options.onUnread?.(unread(header, columns, settings));
  return (cells) => {
    if (cells.length !== header.length) return { fault: 'wrong number of columns' };
    const valueIn = (field: Field): string | undefined => {
      const place = columns[field];
      return place === undefined ? undefined : cells[place];
    };
    return fixOf(valueIn, settings);
  };
}

/** The names of columns that no field is read from. */
function unread(header: readonly string[], columns: Columns, { plate, speedUnit }: FixSettings): string[] {
  const fields = Object.entries(columns).filter(
    ([field]) =>
      !(field === 'plate' && plate !== undefined) && !(field === 'speed' && speedUnit === undefined),
  );
  const used = new Set(fields.map(([, place]) => place));
  return header.filter((_, place) => !used.has(place)).map((name) => name || '(no name)');
}

function speedUnitOf(header: readonly string[], columns: Columns, options: CsvOptions) {
  if (options.speedUnit === undefined) return unitInName(header[columns.speed ?? -1] ?? '');
  if (columns.speed !== undefined) return options.speedUnit;
  const has = header.map((name) => printable(name)).join(', ');
  throw new StartupError(
    `There is a --speed-unit but no column of speeds. The file has: ${has}. Name it with --speed-column.`,
  );
}
