import type { DateFields } from '../log/date-fields.ts';

/** A value that JSON cannot hold without loss, or must not. */
export class NotJson extends Error {}

/**
 * A stored value as JSON text. A date is ISO 8601 text where the schema has a date, and `{"$date": …}` elsewhere (a field that
 * the schema does not know); -0 stays -0, which JSON.stringify would lose.
 * @throws NotJson for BSON types that no payload has
 */
export function jsonText(value: unknown, dates: DateFields | undefined): string {
  switch (typeof value) {
    case 'number':
      if (!Number.isFinite(value)) throw new NotJson(`the number ${value}`);
      return Object.is(value, -0) ? '-0' : String(value);
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'object':
      if (value === null) return 'null';
      if (value instanceof Date) return dateJson(value, dates === 'date');
      return Array.isArray(value) ? arrayJson(value, dates) : objectJson(value, dates);
    default:
      throw new NotJson(`a value of type ${typeof value}`);
  }
}

function dateJson(date: Date, isKnown: boolean): string {
  if (Number.isNaN(date.getTime())) throw new NotJson('a date out of range');
  return isKnown ? `"${date.toISOString()}"` : `{"$date":"${date.toISOString()}"}`;
}

function arrayJson(items: readonly unknown[], dates: DateFields | undefined): string {
  const inner = typeof dates === 'object' && 'items' in dates ? dates : undefined;
  return `[${items.map((item, place) => jsonText(item, inner?.items[place] ?? inner?.rest)).join()}]`;
}

function objectJson(value: object, dates: DateFields | undefined): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new NotJson(`a ${value.constructor.name}`);
  const fields = typeof dates === 'object' && 'fields' in dates ? dates.fields : undefined;
  const parts: string[] = [];
  for (const [name, field] of Object.entries(value)) {
    if (name.startsWith('$')) throw new NotJson(`a field called ${name}`);
    parts.push(`${JSON.stringify(name)}:${jsonText(field, fields?.get(name))}`);
  }
  return `{${parts.join()}}`;
}

/**
 * Undoes `jsonOf` on what JSON.parse gave, in place. Text that is no date stays text: the schema then refuses it.
 * @throws NotJson for field names that stand for something else, and for numbers that overflow
 */
export function fromJson(value: unknown, dates: DateFields | undefined): unknown {
  if (typeof value === 'string') return dates === 'date' ? (parseMoment(value) ?? value) : value;
  if (typeof value === 'number' && !Number.isFinite(value)) throw new NotJson('a number out of range');
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const inner = typeof dates === 'object' && 'items' in dates ? dates : undefined;
    for (const [place, item] of value.entries())
      value[place] = fromJson(item, inner?.items[place] ?? inner?.rest);
    return value;
  }
  return objectFromJson(value as Record<string, unknown>, dates);
}

function objectFromJson(value: Record<string, unknown>, dates: DateFields | undefined): unknown {
  const names = Object.keys(value);
  if (names.length === 1 && typeof value.$date === 'string') {
    const moment = parseMoment(value.$date);
    if (moment !== undefined) return moment;
  }
  const fields = typeof dates === 'object' && 'fields' in dates ? dates.fields : undefined;
  for (const name of names) {
    if (name.startsWith('$') || name === '__proto__') throw new NotJson(`a field called ${name}`);
    const field = value[name];
    if (typeof field === 'object' || typeof field === 'number' || fields?.has(name))
      value[name] = fromJson(field, fields?.get(name));
  }
  return value;
}

const MOMENT = /^((?:[+-]\d{2})?\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,3})?Z$/;

/** A moment in UTC from ISO 8601 with at most milliseconds; undefined for anything else, the 30th of February too. */
export function parseMoment(text: string): Date | undefined {
  const [, seconds] = MOMENT.exec(text) ?? [];
  if (seconds === undefined) return undefined;
  const moment = new Date(text);
  const exists = !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(seconds);
  return exists ? moment : undefined;
}
