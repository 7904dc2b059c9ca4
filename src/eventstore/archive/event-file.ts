import { createHash, type Hash } from 'node:crypto';
import { z } from 'zod';
import type { LogPart } from './export.ts';

/** The format of the files; a reader refuses others. */
const FORMAT = 1;

const header = z.looseObject({ waybill: z.literal('events'), format: z.int() });
const trailer = z.looseObject({ waybill: z.literal('end'), events: z.int(), sha256: z.string() });

/** The first line, which says what follows. */
export function headerLine(part: LogPart, at: Date): string {
  return JSON.stringify({ waybill: 'events', format: FORMAT, exportedAt: at, part });
}

/** The last line, which says how much it was: `sha256` is of all lines before it, header included, each with its line feed. */
export function trailerLine(events: number, streams: number, sha256: string): string {
  return JSON.stringify({ waybill: 'end', events, streams, sha256 });
}

/** What a line is. `wrong` ends the reading of a file. */
export type LineKind =
  | { readonly kind: 'event' | 'header' | 'trailer' | 'blank' }
  | { readonly kind: 'wrong'; readonly message: string };

/** Follows a file line by line, and compares each part, from a header to its trailer, with its checksum. */
export interface FileCheck {
  /** Takes the next line without its line end. Carriage returns before line feeds do not count. */
  take(line: Buffer): LineKind;
  /** At the end of the file: what is wrong with its last part. */
  end(): string | undefined;
}

const LINE_FEED = Buffer.from('\n');
const MARK = Buffer.from('{"waybill":');

/** A file without a header passes, wherever it comes from: it promises nothing. Files may be joined. */
export function openFileCheck(): FileCheck {
  let hash: Hash | undefined;
  let events = 0;
  const add = (line: Buffer): void => {
    hash?.update(line).update(LINE_FEED);
  };
  const begin = (line: Buffer, format: number): LineKind => {
    if (format !== FORMAT)
      return {
        kind: 'wrong',
        message: `The file has format ${format}; this Waybill reads format ${FORMAT}.`,
      };
    if (hash !== undefined) return { kind: 'wrong', message: CUT_OFF };
    hash = createHash('sha256');
    events = 0;
    add(line);
    return { kind: 'header' };
  };
  const finish = (promised: z.infer<typeof trailer>): LineKind => {
    const sum = hash?.digest('hex');
    hash = undefined;
    if (sum === promised.sha256 && events === promised.events) return { kind: 'trailer' };
    const found =
      events === promised.events
        ? 'its lines are not what they were'
        : `it has ${events} of ${promised.events} events`;
    return { kind: 'wrong', message: `The file is damaged: ${found}.` };
  };
  return {
    take(line) {
      if (line.subarray(0, MARK.length).equals(MARK)) {
        const control = jsonOrNothing(line);
        const opening = header.safeParse(control);
        if (opening.success) return begin(line, opening.data.format);
        const closing = trailer.safeParse(control);
        if (closing.success) return finish(closing.data);
      }
      add(line);
      if (line.length === 0) return { kind: 'blank' };
      events += 1;
      return { kind: 'event' };
    },
    end: () => (hash === undefined ? undefined : CUT_OFF),
  };
}

const CUT_OFF = 'The file is cut off: its last line is missing.';

function jsonOrNothing(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch {
    return undefined;
  }
}
