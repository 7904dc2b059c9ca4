import { BSON, type Document } from 'mongodb';
import type { Row } from '../projection.ts';
import type { FieldDifference } from './finding.ts';

/** A row as the driver would store it, `_id` first as the server puts it. */
export function bytesOf(row: Row): Uint8Array {
  const { _id, ...rest } = row;
  return BSON.serialize({ _id, ...rest }, { ignoreUndefined: false });
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** True where both rows say the same; the order of their fields does not matter. */
export function sameRow(stored: Uint8Array, expected: Uint8Array): boolean {
  return sameBytes(stored, expected) || differences(stored, expected).length === 0;
}

/**
 * The fields in which a stored row differs from what it should be, as deep as they have names. Lists are compared place by
 * place; of fields that only one of the two has, the other is `undefined`.
 */
export function differences(stored: Uint8Array, expected: Uint8Array): FieldDifference[] {
  const found: FieldDifference[] = [];
  compareFields('', BSON.deserialize(stored), BSON.deserialize(expected), found);
  return found;
}

function compareFields(path: string, stored: Document, expected: Document, found: FieldDifference[]): void {
  for (const name of new Set([...Object.keys(expected), ...Object.keys(stored)]))
    compare(path === '' ? name : `${path}.${name}`, stored[name], expected[name], found);
}

function compare(field: string, stored: unknown, expected: unknown, found: FieldDifference[]): void {
  if (isNested(stored) && isNested(expected) && Array.isArray(stored) === Array.isArray(expected))
    compareFields(field, stored, expected, found);
  else if (!sameValue(stored, expected)) found.push({ field, stored, expected });
}

/** A document or a list, rather than a value that the driver has a class for. */
function isNested(value: unknown): value is Document {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

/** Compared as BSON, which tells apart what JavaScript does not: kinds of numbers, for one. */
function sameValue(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return sameBytes(BSON.serialize({ a }), BSON.serialize({ a: b }));
}
