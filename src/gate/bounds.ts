import type { Keywords } from './keywords.ts';

/** Sizes of texts, lists and objects: which way is narrower, and what they count. */
const SIZES: readonly (readonly [keyword: string, narrower: 1 | -1, counted: string])[] = [
  ['minLength', 1, 'characters'],
  ['maxLength', -1, 'characters'],
  ['minItems', 1, 'items'],
  ['maxItems', -1, 'items'],
  ['minProperties', 1, 'fields'],
  ['maxProperties', -1, 'fields'],
];

/** Clauses for every limit of numbers and sizes that lets less through than before. */
export function narrowedBounds(before: Keywords, after: Keywords): string[] {
  const clauses: string[] = [];
  for (const [keyword, narrower, counted] of SIZES) {
    const [was, is] = [numberAt(before, keyword), numberAt(after, keyword)];
    if (is === undefined || (was !== undefined && (is - was) * narrower <= 0)) continue;
    const words = narrower === 1 ? 'at least' : 'at most';
    clauses.push(`takes ${words} ${is} ${counted} instead of ${was ?? 'any number'}`);
  }
  for (const [end, narrower, words] of [
    ['inimum', 1, 'from'],
    ['aximum', -1, 'up to'],
  ] as const) {
    const [was, is] = [limitOf(before, end, narrower), limitOf(after, end, narrower)];
    if (is === undefined || (was !== undefined && !isNarrower(is, was, narrower))) continue;
    clauses.push(
      `takes numbers ${words} ${inWords(is)} instead of ${was === undefined ? 'any' : inWords(was)}`,
    );
  }
  const [was, is] = [numberAt(before, 'multipleOf'), numberAt(after, 'multipleOf')];
  if (is !== undefined && (was === undefined || was % is !== 0))
    clauses.push(`takes only multiples of ${is}${was === undefined ? '' : ` instead of ${was}`}`);
  return clauses;
}

interface Limit {
  readonly value: number;
  readonly exclusive: boolean;
}

/** The stricter of the inclusive and the exclusive one. */
function limitOf(schema: Keywords, end: 'inimum' | 'aximum', narrower: 1 | -1): Limit | undefined {
  const inclusive = numberAt(schema, `m${end}`);
  const exclusive = numberAt(schema, `exclusiveM${end}`);
  if (inclusive === undefined && exclusive === undefined) return undefined;
  if (inclusive === undefined) return { value: exclusive ?? 0, exclusive: true };
  const open = { value: exclusive ?? 0, exclusive: true };
  const closed = { value: inclusive, exclusive: false };
  return exclusive !== undefined && isNarrower(open, closed, narrower) ? open : closed;
}

function isNarrower(limit: Limit, than: Limit, narrower: 1 | -1): boolean {
  const by = (limit.value - than.value) * narrower;
  return by > 0 || (by === 0 && limit.exclusive && !than.exclusive);
}

function inWords({ value, exclusive }: Limit): string {
  return exclusive ? `${value} (itself excluded)` : String(value);
}

function numberAt(schema: Keywords, keyword: string): number | undefined {
  const value = schema[keyword];
  return typeof value === 'number' ? value : undefined;
}
