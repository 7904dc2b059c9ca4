import { openBytes } from './file-bytes.ts';

/** The longest line: an event is at most 64 KiB in BSON, and JSON can make six characters of one. */
export const LINE_MAX_BYTES = 1_048_576;

/** A line without its line end. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Undefined where the line is longer than LINE_MAX_BYTES. */
  readonly bytes: Buffer | undefined;
}

/** Lines as they come, some at a time. */
export interface Lines extends AsyncIterable<readonly Line[]> {
  /** How far into the file, as it is stored, reading has come. */
  bytesRead(): number;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Reads a file line by line in constant memory; `-` is standard input. A carriage return at the end of a line, and a byte
 * order mark at the beginning of the file, do not count.
 * @throws StartupError where the file cannot be read; Unpackable
 */
export function readLines(path: string): Lines {
  const bytes = openBytes(path);
  return { bytesRead: () => bytes.bytesRead(), [Symbol.asyncIterator]: () => linesOf(bytes) };
}

/** The lines of what comes in chunks. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Line[]> {
  const splitter = openSplitter();
  for await (const chunk of chunks) {
    const lines = splitter.add(chunk);
    if (lines.length > 0) yield lines;
  }
  const rest = splitter.end();
  if (rest.length > 0) yield rest;
}
function openSplitter() {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let number = 0;

  const keep = (part: Buffer): void => {
    pendingBytes += part.length;
    // Of a line that is too long only its length is kept.
    if (pendingBytes > LINE_MAX_BYTES) pending = [];
    else if (part.length > 0) pending.push(part);
  };
  const finish = (part: Buffer): Line => {
    keep(part);
    number += 1;
    const [only, ...more] = pending;
    let bytes =
      pendingBytes > LINE_MAX_BYTES ? undefined : more.length > 0 ? Buffer.concat(pending) : (only ?? part);
    pending = [];
    pendingBytes = 0;
    if (bytes?.at(-1) === CARRIAGE_RETURN) bytes = bytes.subarray(0, -1);
    if (number === 1 && bytes?.subarray(0, 3).equals(BYTE_ORDER_MARK)) bytes = bytes.subarray(3);
    return { number, bytes };
  };
  return {
    add(chunk: Buffer): Line[] {
      const lines: Line[] = [];
      let start = 0;
      for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, start)) {
        lines.push(finish(chunk.subarray(start, at)));
        start = at + 1;
      }
      keep(chunk.subarray(start));
      return lines;
    },
    end: (): Line[] => (pendingBytes === 0 ? [] : [finish(Buffer.alloc(0))]),
  };
}
