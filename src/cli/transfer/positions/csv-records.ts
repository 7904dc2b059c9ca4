import { parse } from 'csv-parse/sync';

/** A line of a file; undefined where it is longer than any row. */
export interface TextLine {
  readonly number: number;
  readonly text: string | undefined;
}

/** A record of CSV, or a line that belongs to none. `line` is the first that it stands on. */
export type CsvRecord = { readonly line: number } & (
  | { readonly cells: readonly string[] }
  | { readonly fault: string }
);

/**
 * A quoted field may hold line breaks, so a record may go on over this many lines. One that does not end by then has a
 * quote too many, on its first line.
 */
const MAX_LINES = 64;
const MAX_CHARACTERS = 65_536;

const NOT_CSV = 'not a row of CSV';

/**
 * Makes records of lines, in constant memory. A broken line costs itself only: where the record that it begins does not end
 * (a quote is never closed), is none, has another number of columns than the first record, or would swallow lines which
 * are rows by themselves, its first line is the broken one, and reading goes on with the line after that.
 */
export function openRecords(delimiter: string) {
  let open: { readonly number: number; readonly text: string }[] = [];
  let [isQuoted, characters] = [false, 0];
  let width: number | undefined;

  const close = (): typeof open => {
    const lines = open;
    [open, isQuoted, characters] = [[], false, 0];
    return lines;
  };
  /** The lines that are to be read anew, as the first of them begins no record. */
  const giveUp = (records: CsvRecord[], lines: typeof open): readonly TextLine[] => {
    const [first, ...rest] = lines;
    if (first !== undefined) records.push({ line: first.number, fault: NOT_CSV });
    return rest;
  };
  const found = (records: CsvRecord[], line: number, cells: readonly string[]): void => {
    width ??= cells.length;
    records.push({ line, cells });
  };
  const isRow = ({ text }: { readonly text: string }): boolean =>
    width !== undefined && !text.includes('"') && splitPlain(text, delimiter).length === width;

  /** Takes one line. @returns lines to be read anew */
  const take = ({ number, text }: TextLine, records: CsvRecord[]): readonly TextLine[] => {
    if (text === undefined) {
      const rest = giveUp(records, close());
      if (rest.length > 0) return [...rest, { number, text }];
      records.push({ line: number, fault: 'longer than any row' });
      return [];
    }
    if (open.length === 0) {
      if (text.trim() === '') return [];
      if (!text.includes('"')) {
        found(records, number, splitPlain(text, delimiter));
        return [];
      }
    }
    open.push({ number, text });
    characters += text.length;
    if (hasOddQuotes(text)) isQuoted = !isQuoted;
    if (isQuoted) {
      const isTooLong = open.length >= MAX_LINES || characters > MAX_CHARACTERS;
      return isTooLong ? giveUp(records, close()) : [];
    }
    const lines = close();
    const cells = parseQuoted(lines.map((line) => line.text).join('\n'), delimiter);
    const isOne = lines.length === 1;
    const fits = isOne || width === undefined || cells?.length === width;
    if (cells === undefined || !fits || lines.slice(1, -1).some(isRow)) return giveUp(records, lines);
    found(records, lines[0]?.number ?? number, cells);
    return [];
  };

  const takeAll = (lines: Iterable<TextLine>): CsvRecord[] => {
    const records: CsvRecord[] = [];
    for (const line of lines) {
      // What is read anew comes before what follows; there are never more than MAX_LINES of these.
      const waiting = [...take(line, records)];
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        waiting.unshift(...take(next, records));
    }
    return records;
  };
  return {
    add: takeAll,
    end(): CsvRecord[] {
      const records: CsvRecord[] = [];
      while (open.length > 0) {
        const rest = giveUp(records, close());
        records.push(...takeAll(rest));
      }
      return records;
    },
  };
}

/** The cells of a record without quotes. */
function splitPlain(text: string, delimiter: string): string[] {
  return text.split(delimiter).map((cell) => cell.trim());
}

/** The cells of one record; undefined where it is none, or more than one. */
export function parseQuoted(text: string, delimiter: string): readonly string[] | undefined {
  try {
    const records: string[][] = parse(text, { delimiter, relax_column_count: true, trim: true });
    return records.length === 1 ? records[0] : undefined;
  } catch {
    return undefined;
  }
}

function hasOddQuotes(text: string): boolean {
  let odd = false;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) odd = !odd;
  return odd;
}
