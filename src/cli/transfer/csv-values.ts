/** A number in decimal or scientific notation; undefined for anything else. */
export function numberOf(text: string): number | undefined {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const ISO_8601 =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|UTC|[+-]\d{2}:?\d{2})?$/i;

/**
 * A moment in UTC from ISO 8601 (with a T or a blank) or from Unix time in seconds or milliseconds; undefined for anything else.
 * @param zone the zone of times that state none; without it such times are undefined
 */
export function momentOf(text: string, zone: string | undefined): string | undefined {
  if (/^\d{9,13}(\.\d+)?$/.test(text)) {
    const value = Number(text);
    return new Date(value < 1e11 ? value * 1000 : value).toISOString();
  }
  const [, day, time, stated] = ISO_8601.exec(text) ?? [];
  const offset =
    stated === undefined ? zone : stated.replace(/utc/i, 'Z').replace(/(\d{2}):?(\d{2})$/, '$1:$2');
  if (day === undefined || time === undefined || offset === undefined) return undefined;
  const moment = new Date(`${day}T${time}${offset.toUpperCase()}`);
  const rolledOver =
    Number.isNaN(moment.getTime()) || new Date(`${day}T00:00Z`).getUTCDate() !== Number(day.slice(8));
  return rolledOver ? undefined : moment.toISOString();
}
