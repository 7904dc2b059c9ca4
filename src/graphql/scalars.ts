import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql';

/** Years that ISO 8601 writes with four digits: others would be answered in a form that no client reads. */
const YEARS = { first: 1, last: 9_999 } as const;

/** True for a moment whose year, in UTC, has four digits and is after Christ. */
export function hasPlainYear(date: Date): boolean {
  const year = date.getUTCFullYear();
  return year >= YEARS.first && year <= YEARS.last;
}

const ISO_8601 =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * A moment from text: ISO 8601 with seconds optional and a zone required (a local time would be a guess).
 * @throws GraphQLError for anything else, the 30th of February included, and for a year that in UTC is none of 0001 to 9999
 */
export function parseDateTime(value: unknown): Date {
  const match = typeof value === 'string' ? ISO_8601.exec(value) : null;
  if (match !== null && typeof value === 'string') {
    const [, year, month, day] = match.map(Number);
    const lastDay = new Date(Date.UTC(year ?? 0, month ?? 0, 0)).getUTCDate();
    const date = new Date(value);
    if (day !== undefined && day <= lastDay && !Number.isNaN(date.getTime())) {
      if (hasPlainYear(date)) return date;
      throw new GraphQLError(`DateTime must lie in the years 0001 to 9999, in UTC; got ${show(value)}.`);
    }
  }
  throw new GraphQLError(
    `DateTime must be an ISO 8601 date and time with a zone, as 2026-01-31T08:30:00Z; got ${show(value)}.`,
  );
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : `a ${typeof value}`;
}

/** A moment in UTC, as ISO 8601 in and out; inside the code a Date. */
export const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description:
    'A moment as ISO 8601 with a zone, in the years 0001 to 9999 in UTC, answered in UTC to the millisecond: ' +
    '`2026-01-31T08:30:00.000Z`.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize(value) {
    if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
    // A bug of ours, so no error that the client is meant to read.
    throw new TypeError('DateTime cannot represent a value that is no Date.');
  },
  parseValue: parseDateTime,
  parseLiteral(node) {
    if (node.kind === Kind.STRING) return parseDateTime(node.value);
    throw new GraphQLError('DateTime must be a string.', { nodes: [node] });
  },
});

/** Stored values as JSON has them: dates as ISO 8601, UUIDs and other BSON types as their usual text. */
export function toJson(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return typeof value === 'bigint' ? String(value) : value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if ('_bsontype' in value) return bsonText(value);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, toJson(entry)]));
}

// BSON values are recognised by the tag that the library puts on its classes, so that the gateway need not import the driver.
function bsonText(value: object & { _bsontype: unknown }): unknown {
  if (value._bsontype === 'Binary' && 'sub_type' in value && value.sub_type !== 4) {
    return 'buffer' in value && value.buffer instanceof Uint8Array
      ? Buffer.from(value.buffer).toString('base64')
      : String(value);
  }
  if (value._bsontype === 'Double' || value._bsontype === 'Int32') return Number(value);
  return String(value);
}

/** Any JSON value: what an event's payload is shown as. */
export const Json = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  description: 'Any JSON value.',
  serialize: toJson,
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(node, variables),
});
