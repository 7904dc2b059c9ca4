import type { StreamFault } from '../log/stream-fold.ts';

/** A field of a row that is not what its stream says; `undefined`: there is no such field. */
export interface FieldDifference {
  /** From the row down, with dots: `position.longitude`, `offers.0.status`. */
  readonly field: string;
  readonly stored: unknown;
  readonly expected: unknown;
}

/** Where something is wrong. */
export interface FindingPlace {
  /** The read model's name; for an aggregate type without one, that type: `LicensePlate`. */
  readonly of: string;
  /** The row's `_id`, `tenantId/aggregateId`; JSON of it where it is no text. */
  readonly row: string;
}

/** What is wrong with a row. */
export type RowFinding =
  | { readonly kind: 'wrong'; readonly fields: readonly FieldDifference[] }
  /** The stream has events that make a row, and there is none. */
  | { readonly kind: 'missing'; readonly logSequence: number }
  /** There is no stream that makes this row. */
  | { readonly kind: 'extra' }
  /** The row is as an earlier event of its stream left it, or at least says so. */
  | { readonly kind: 'stale'; readonly storedSequence: number; readonly logSequence: number };

/** What is wrong with a stream. Then nobody can tell what its row should be, and the row stays as it is. */
export type StreamFinding =
  | Extract<StreamFault, { kind: 'hole' | 'double' }>
  | (Omit<Extract<StreamFault, { kind: 'poison' }>, 'kind'> & { readonly kind: 'unreadable' });

/** Something that a read model shows, or the log holds, and that is not as it should be. */
export type Finding = FindingPlace & (RowFinding | StreamFinding);

export type FindingKind = Finding['kind'];

export const FINDING_KINDS = [
  'wrong',
  'missing',
  'extra',
  'stale',
  'hole',
  'double',
  'unreadable',
] as const satisfies readonly FindingKind[];

/** How many of each kind. */
export type FindingCounts = Readonly<Record<FindingKind, number>>;

export function noFindings(): Record<FindingKind, number> {
  return { wrong: 0, missing: 0, extra: 0, stale: 0, hole: 0, double: 0, unreadable: 0 };
}

export function totalOf(counts: FindingCounts): number {
  return FINDING_KINDS.reduce((total, kind) => total + counts[kind], 0);
}
