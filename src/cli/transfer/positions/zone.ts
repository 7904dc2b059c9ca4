import { StartupError } from '../../../mongo/startup-error.ts';

/** Which of its two moments a time means that occurs twice, when the clocks go back. */
export const REPEATED_HOURS = ['first', 'second'] as const;
export type RepeatedHour = (typeof REPEATED_HOURS)[number];

/** The zone of times that state none. */
export interface Zone {
  /**
   * The moment at which the clocks of the zone show a time.
   * @param shown the time as if it were UTC, in ms since 1970
   * @returns ms since 1970, or why there is no one moment, as the end of a sentence
   */
  momentOf(shown: number): number | string;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Clocks change at the quarters of an hour, so an offset holds for one of these. */
const QUARTER_MS = 15 * MINUTE_MS;
/** Offsets that are kept: as many as a year has quarters. */
const MAX_KEPT = 35_040;

/**
 * The zone of an offset (`Z`, `+01:00`), or of a place by its name in the IANA database (`Europe/Berlin`), with all changes of
 * its clocks.
 * @param repeated without it a time that occurs twice is no moment: half of the guesses would be wrong by an hour
 * @throws StartupError for the name of no zone
 */
export function zoneOf(name: string, repeated?: RepeatedHour): Zone {
  const [, sign, hours = '', minutes = ''] = /^(?:Z|([+-])(\d{2}):(\d{2}))$/.exec(name) ?? [];
  if (name === 'Z' || sign !== undefined) {
    const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -MINUTE_MS : MINUTE_MS);
    return { momentOf: (shown) => shown - offset };
  }
  const offsetAt = offsetsOf(name);
  return {
    momentOf(shown) {
      const [before, after] = [offsetAt(shown - DAY_MS), offsetAt(shown + DAY_MS)];
      if (before === after) return shown - before;
      const moments = [shown - before, shown - after].filter((at) => at + offsetAt(at) === shown);
      const [first, second] = moments.sort((a, b) => a - b);
      if (first === undefined) return `does not occur in ${name}: the clocks went forward over it`;
      if (second === undefined || repeated === 'first') return first;
      if (repeated === 'second') return second;
      return `occurs twice in ${name}, as the clocks went back: say which by --repeated-hour`;
    },
  };
}

/** How far ahead of UTC the clocks of a zone are at a moment, in ms. */
function offsetsOf(timeZone: string): (at: number) => number {
  const format = formatOf(timeZone);
  const kept = new Map<number, number>();
  return (at) => {
    const quarter = Math.floor(at / QUARTER_MS);
    let offset = kept.get(quarter);
    if (offset === undefined) {
      offset = offsetOf(format, quarter * QUARTER_MS);
      if (kept.size >= MAX_KEPT) kept.clear();
      kept.set(quarter, offset);
    }
    return offset;
  };
}

function offsetOf(format: Intl.DateTimeFormat, at: number): number {
  const parts = format.formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find((each) => each.type === type)?.value);
  const [year, month, day] = [part('year'), part('month') - 1, part('day')];
  return Date.UTC(year, month, day, part('hour'), part('minute'), part('second')) - at;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new StartupError(
      '--zone is Z, an offset such as +01:00 or -05:00, or a name such as Europe/Berlin or America/Chicago.',
    );
  }
}
