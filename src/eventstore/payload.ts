import { z } from 'zod';

/**
 * The field schemas that payloads of several contexts share. What is checked here is refused as INVALID_INPUT
 * with the field's name, so `decide` never repeats a range. An optional field is absent, never undefined or null:
 * build payloads with `present`.
 */

// A JSON text can hold half of a surrogate pair ("\ud800"), which is no character. The database would store another
// character in its place, and answer that all is well: so it is refused wherever text comes in.

/** True for text that has no half of a surrogate pair in it. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** What is said of text that is not well formed, after the name of its field. */
export const MALFORMED_TEXT = 'must be well-formed Unicode: it holds half of a surrogate pair';

/** Where the first text is that is not well formed, as a dotted path; undefined where all are. */
export function malformedPath(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Date) return undefined;
  for (const name in value) {
    const part: unknown = Reflect.get(value, name);
    if (!isWellFormed(name)) return JSON.stringify(name);
    if (typeof part === 'string') {
      if (!isWellFormed(part)) return name;
    } else if (typeof part === 'object') {
      const path = malformedPath(part);
      if (path !== undefined) return `${name}.${path}`;
    }
  }
  return undefined;
}

/** A short free text of one line: a name, a reference, a code of another system. */
export const text = oneLine(z.string().trim().min(1).max(200));

/** What a person wrote to explain: it may have lines and tabs. */
export const note = z
  .string()
  .trim()
  .min(1)
  .max(2_000)
  .refine(isWellFormed, MALFORMED_TEXT)
  .refine(
    (value) => !/[^\P{Cc}\t\n\r]/u.test(value),
    'must hold no control characters but tabs and ends of lines',
  );

/**
 * Text of one line, without half of a surrogate pair. What ends a line, moves a cursor or ends a text in another program
 * has no place in a name: it would go on into logs, terminals, CSV and EDI.
 */
export function oneLine(schema: z.ZodString): z.ZodString {
  return schema
    .refine(isWellFormed, MALFORMED_TEXT)
    .refine((value) => !/[\p{Cc}\u2028\u2029]/u.test(value), 'must be one line without control characters');
}

/**
 * A text about a person, as it is recorded: encrypted under a key of that person (`personal/`). Clear text does not fit, so
 * that none can come into the log by mistake.
 */
export const sealedText = z
  .string()
  .max(4_096)
  .regex(/^sealed:1:[A-Za-z0-9_-]{38,}$/, 'must be sealed')
  .meta({ description: 'personal: encrypted under a key of the data subject', 'x-personal': true });

/** An aggregate's or an offer's id as it stands in payloads: a lower-case UUID in text form. */
export const uuidText = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be a UUID in lower case');

/** A moment: a BSON date in the log, ISO 8601 in UTC everywhere else. */
export const dateTime = z.date().meta({ description: 'UTC' });

/** WGS 84 degrees east. */
export const longitude = z.number().min(-180).max(180).meta({ description: 'WGS 84 degrees east' });

/** WGS 84 degrees north. */
export const latitude = z.number().min(-90).max(90).meta({ description: 'WGS 84 degrees north' });

/** A decimal string, so that no sum of money passes through a binary fraction, and an ISO 4217 code. */
export const money = z.object({
  amount: z
    .string()
    .regex(/^\d{1,12}(\.\d{1,4})?$/, 'must be a decimal like "1234.50", with at most four decimals'),
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code like "USD"'),
});

/** A sum of money: `{ amount: "1234.50", currency: "USD" }`. */
export type Money = z.infer<typeof money>;

/** The kind of thing `present` returns: null and undefined are gone from the optional fields. */
export type Present<T> = {
  [K in keyof T as null extends T[K] ? never : undefined extends T[K] ? never : K]: T[K];
} & {
  [K in keyof T as null extends T[K] ? K : undefined extends T[K] ? K : never]?: NonNullable<T[K]>;
};

/** The same object without its null and undefined fields: an absent field is stored as absent. */
export function present<T extends object>(fields: T): Present<T> {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(kept) as Present<T>;
}

// What is said of a value that does not fit. Whatever a schema refuses can reach a client, so none of it is left to the
// library's own words: set for all schemas at once, here, where every context's events come by. Each message goes on from
// the name of a field: "must be a whole number". A schema's own message does so, too.
z.config({ customError: (issue) => predicateOf(issue) });

/** A value that does not fit its schema: where, and a sentence about it. */
export interface Complaint {
  /** Dotted path; empty for the value itself. */
  readonly field: string;
  readonly message: string;
}

/** The first thing that a schema finds wrong. @param name what the value itself is called, where no field is at fault */
export function complaintOf({ issues }: z.core.$ZodError, name = 'It'): Complaint {
  const [issue] = issues;
  const field = issue?.path.join('.') ?? '';
  return { field, message: `${field === '' ? name : field} ${issue?.message ?? 'is malformed'}.` };
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
  record: 'an object',
  date: 'a moment',
};

function predicateOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return `must be ${TYPES[issue.expected] ?? 'of another type'}`;
    case 'too_small':
      return `must ${boundOf(issue.origin, Number(issue.minimum), issue.inclusive === false ? 'more than' : 'at least')}`;
    case 'too_big':
      return `must ${boundOf(issue.origin, Number(issue.maximum), issue.inclusive === false ? 'less than' : 'at most')}`;
    case 'invalid_format':
      return 'has the wrong form';
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'unrecognized_keys':
      return `must not have a field ${issue.keys.join(', ')}`;
    case 'invalid_key':
      return 'has a field whose name is malformed';
    case 'invalid_element':
      return 'has a malformed entry';
    case 'invalid_union':
      return 'is none of what it may be';
    default:
      return 'is malformed';
  }
}

function boundOf(origin: string, bound: number, how: string): string {
  const counted: Readonly<Record<string, [one: string, many: string]>> = {
    string: ['character', 'characters'],
    array: ['entry', 'entries'],
    tuple: ['entry', 'entries'],
    set: ['entry', 'entries'],
    map: ['entry', 'entries'],
  };
  const unit = counted[origin];
  if (unit !== undefined) return `have ${how} ${bound.toLocaleString('en')} ${unit[bound === 1 ? 0 : 1]}`;
  if (origin === 'date')
    return `be ${how === 'at least' ? 'no earlier' : 'no later'} than ${new Date(bound).toISOString()}`;
  return `be ${how} ${bound.toLocaleString('en')}`;
}
