import { clientError, invalidInput } from './errors.ts';
import { hasPlainYear } from './scalars.ts';

/** The arguments of a connection; those a field does not declare are absent. */
export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** An order with no ties: its last key is unique within the tenant. No key's value may be null. */
export type Order<R> = readonly (readonly [key: keyof R & string, direction: 1 | -1])[];

/** One page as Relay has it. */
export interface RelayConnection<R> {
  readonly edges: { cursor: string; node: R }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

export const DEFAULT_PAGE = 50;
export const MAX_PAGE = 200;

/** What `find` is asked for. `filter` holds the place of the cursors, in MongoDB's query language. */
export interface PageQuery {
  readonly filter: Readonly<Record<string, unknown>>;
  readonly sort: Readonly<Record<string, 1 | -1>>;
  readonly limit: number;
}

/**
 * One page of rows by keyset: a cursor is the sort keys of its row, so pages stay right while rows come and go.
 * @param find reads rows for a filter, which the caller joins with its own (`{ $and: [own, filter] }`)
 * @throws INVALID_INPUT for a cursor of something else, a negative size, or `first` together with `last`
 */
export async function keysetPage<R extends object>(
  args: PageArgs,
  order: Order<R>,
  find: (query: PageQuery) => Promise<R[]>,
): Promise<RelayConnection<R>> {
  const { size, backwards } = pageSize(args);
  const filter = placeFilter(args, order);
  const sort = Object.fromEntries(
    order.map(([key, way]) => [key, backwards && way === 1 ? -1 : backwards ? 1 : way]),
  );
  // Of an empty page, too, it is said whether there is more.
  const rows = await find({ filter, sort: sort as PageQuery['sort'], limit: size + 1 });
  return connectionOf(rows, args, (row) => encodeCursor(order.map(([key]) => row[key])));
}

/**
 * The connection of rows that were read in the direction of the page, one more than its size where there are more.
 */
export function connectionOf<R>(
  rows: readonly R[],
  args: PageArgs,
  cursorOf: (row: R) => string,
): RelayConnection<R> {
  const { size, backwards } = pageSize(args);
  const page = rows.slice(0, size);
  if (backwards) page.reverse();
  const edges = page.map((node) => ({ cursor: cursorOf(node), node }));
  const more = rows.length > size;
  return {
    edges,
    pageInfo: {
      hasNextPage: backwards ? isGiven(args.before) : more,
      hasPreviousPage: backwards ? more : isGiven(args.after),
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** How many rows a page holds, and from which end it is taken. @throws INVALID_INPUT */
export function pageSize(args: PageArgs): { size: number; backwards: boolean } {
  if (isGiven(args.first) && isGiven(args.last)) {
    throw clientError('INVALID_INPUT', 'Give `first` or `last`, not both.', 'last');
  }
  const backwards = isGiven(args.last);
  const size = args.last ?? args.first ?? DEFAULT_PAGE;
  if (size < 0) throw invalidInput('A page cannot have a negative size.', backwards ? 'last' : 'first');
  return { size: Math.min(size, MAX_PAGE), backwards };
}

/** Opaque text from the sort keys of a row; dates survive. */
export function encodeCursor(keys: readonly unknown[]): string {
  const tagged = keys.map((key) => (key instanceof Date ? { date: key.toISOString() } : key));
  return Buffer.from(JSON.stringify(tagged)).toString('base64url');
}

/**
 * The sort keys that a cursor holds: strings, numbers, booleans and dates only, since a client may have forged it.
 * @throws INVALID_INPUT for what is no cursor of `length` keys
 */
export function decodeCursor(cursor: string, length: number, argument: string): unknown[] {
  const keys = parsed(cursor);
  if (Array.isArray(keys) && keys.length === length) {
    const values = keys.map(untagged);
    if (!values.includes(undefined)) return values;
  }
  throw invalidInput(`${argument} is no cursor of this list.`, argument);
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function untagged(key: unknown): unknown {
  if (typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean') return key;
  if (typeof key !== 'object' || key === null || !('date' in key) || typeof key.date !== 'string')
    return undefined;
  const date = new Date(key.date);
  return hasPlainYear(date) ? date : undefined;
}

function placeFilter<R>(args: PageArgs, order: Order<R>): Record<string, unknown> {
  const sides: object[] = [];
  if (isGiven(args.after)) sides.push(beyond(order, decodeCursor(args.after, order.length, 'after'), 1));
  if (isGiven(args.before)) sides.push(beyond(order, decodeCursor(args.before, order.length, 'before'), -1));
  return sides.length === 0 ? {} : { $and: sides };
}

// (a, b, c) beyond (1, 2, 3): a > 1, or a = 1 and b > 2, or a = 1 and b = 2 and c > 3. The bound on the first key
// alone is said again outside the $or, because an index can only be entered by a condition that always holds.
function beyond<R>(order: Order<R>, place: readonly unknown[], side: 1 | -1): object {
  const compare = (index: number, inclusive: boolean): object => {
    const [key, way] = order[index] ?? ['_id', 1];
    const operator = (way === side ? '$gt' : '$lt') + (inclusive ? 'e' : '');
    return { [key]: { [operator]: place[index] } };
  };
  const cases = order.map((_, index) =>
    Object.assign(
      {},
      ...order.slice(0, index).map(([key], i) => ({ [key]: place[i] })),
      compare(index, false),
    ),
  );
  return cases.length === 1 ? cases[0] : { $and: [compare(0, true), { $or: cases }] };
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}
