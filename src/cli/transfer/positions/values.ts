import { hasPlainYear } from '../../../graphql/scalars.ts';
import type { Zone } from './zone.ts';

/** What a file has in a field: JSON has numbers, other formats text. */
export type Value = string | number | undefined;

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const WITH_COMMA = /^[+-]?(\d+,?\d*|,\d+)(e[+-]?\d+)?$/i;

/**
 * A number in decimal or scientific notation; undefined for anything else.
 * @param comma whether a comma, and no point, stands before the decimals
 */
export function numberOf(value: Value, comma = false): number | undefined {
  if (typeof value !== 'string') return Number.isFinite(value) ? value : undefined;
  if (!(comma ? WITH_COMMA : DECIMAL).test(value)) return undefined;
  const number = Number(comma ? value.replace(',', '.') : value);
  return Number.isFinite(number) ? number : undefined;
}

/** How files write that a reading is not known, beside leaving it empty. */
const UNKNOWN = /^(?:-+|\?+|\\n|null|nil|none|nan|[+-]?inf(?:inity)?|n\/?a|not available|unknown)$/i;

/** True for the words by which files say that a reading is not known. */
export function saysUnknown(value: Value): boolean {
  return typeof value === 'string' ? UNKNOWN.test(value) : value !== undefined && !Number.isFinite(value);
}

const ISO_8601 =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?) ?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/i;

const NO_TIME = 'time is not ISO 8601 with a zone, nor Unix time';

/**
 * A moment in UTC from ISO 8601 (with a T or a blank) or from Unix time in seconds or milliseconds, or what is wrong with it.
 * @param zone the zone of times that state none; without it such times are wrong
 */
export function momentOf(value: Value, zone: Zone | undefined): { at: string } | { fault: string } {
  const text = typeof value === 'number' ? String(value) : (value ?? '');
  if (/^\d{9,13}(\.\d+)?$/.test(text)) {
    const number = Number(text);
    return { at: new Date(number < 1e11 ? number * 1000 : number).toISOString() };
  }
  const [, day, time, stated] = ISO_8601.exec(text) ?? [];
  if (day === undefined || time === undefined) return { fault: NO_TIME };
  const shown = new Date(`${day}T${time.replace(',', '.')}Z`).getTime();
  const rolledOver = new Date(`${day}T00:00Z`).getUTCDate() !== Number(day.slice(8));
  if (Number.isNaN(shown) || rolledOver) return { fault: NO_TIME };
  const moment = stated === undefined ? zone?.momentOf(shown) : shown - offsetOf(stated);
  if (typeof moment === 'string') return { fault: `time ${moment}` };
  // The gateway takes no moment whose year, in UTC, has not four digits.
  if (moment === undefined || !hasPlainYear(new Date(moment))) return { fault: NO_TIME };
  return { at: new Date(moment).toISOString() };
}

/** How far ahead of UTC a stated zone is, in ms. */
function offsetOf(stated: string): number {
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(stated) ?? [];
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === '-' ? -offset : offset;
}
