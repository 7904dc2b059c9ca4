import type { RowFilter } from '../eventstore/projection/rows.ts';
import { type Row, rowId } from '../eventstore/projection.ts';
import { toUuid } from './global-id.ts';

/** A field of a filter's input: the values of which any fits; nothing where the field is not asked for. */
export type Given<T> = readonly T[] | null | undefined;

/** One condition on rows, twice: for the database and for a row in memory. The two must agree. */
export interface Condition<R extends Row> {
  readonly filter: RowFilter;
  matches(row: R): boolean;
}

/** That a field is one of the wanted values. The field holds a single value: `matches` makes no list of it. */
export function among<R extends Row>(
  field: string,
  wanted: readonly string[],
  fieldOf: (row: R) => string | null | undefined,
): Condition<R> {
  const set = new Set<string | null | undefined>(wanted);
  return { filter: fieldAmong(field, wanted), matches: (row) => set.has(fieldOf(row)) };
}

/** That a field, which holds a list, has at least one of the wanted values in it. */
export function anyAmong<R extends Row>(
  field: string,
  wanted: readonly string[],
  listOf: (row: R) => readonly string[],
): Condition<R> {
  const set = new Set(wanted);
  return {
    filter: fieldAmong(field, wanted),
    matches: (row) => listOf(row).some((value) => set.has(value)),
  };
}

/** That all of the conditions hold; every row fits where there is none. */
export function allOf<R extends Row>(conditions: readonly Condition<R>[]): Condition<R> {
  return {
    filter: allFilters(conditions.map((condition) => condition.filter)),
    matches: (row) => conditions.every((condition) => condition.matches(row)),
  };
}

/** The database's half of `among` and `anyAmong`, for what is only ever read from the database. */
export function fieldAmong(field: string, wanted: readonly string[]): RowFilter {
  return { [field]: wanted.length === 1 ? wanted[0] : { $in: [...wanted] } };
}

/** The database's half of `allOf`. */
export function allFilters(filters: readonly RowFilter[]): RowFilter {
  return filters.length === 0 ? {} : { $and: [...filters] };
}

/** The UUIDs of those ids that are ids of this type, global or bare; what is no such id is left out: no row has it. */
export function uuids(type: string, ids: readonly string[]): string[] {
  return ids.map((id) => toUuid(type, id)).filter((id) => id !== undefined);
}

/** The `_id`s that rows of a tenant have for these ids. As `uuids`, what is no id of this type is left out. */
export function rowIds(tenantId: string, type: string, ids: readonly string[]): string[] {
  return uuids(type, ids).map((id) => rowId(tenantId, id));
}
