/**
 * What a device may read beside its place, and from where to where each can be, ends included: what lies beyond was not
 * measured. Any of them may be unknown, and the place stands all the same.
 */
export const READING_RANGES = {
  speedMps: [0, 400],
  headingDeg: [0, 360],
  accuracyM: [0, 100_000],
  altitudeM: [-1_000, 100_000],
  odometerM: [0, 1e11],
  batteryPercent: [0, 100],
} as const satisfies Record<string, readonly [least: number, most: number]>;
export type Reading = keyof typeof READING_RANGES;
export const READINGS = Object.keys(READING_RANGES) as Reading[];

/**
 * How devices say that they don't know: -1 (Core Location), 511 for a heading and 102.3 knots (AIS), and the bytes or words
 * with all bits set (J1939, MAVLink). Within the range of its reading, such a number is taken as measured.
 */
export const MEANS_UNKNOWN: ReadonlySet<number> = new Set([-1, 255, 511, 65_535, 4_294_967_295]);

/** Why a reading was left out. */
export type ReadingFault = 'READING_UNKNOWN' | 'READING_OUT_OF_RANGE';

/** A reading that was left out of a fix. */
export interface ReadingWarning {
  readonly field: Reading;
  readonly code: ReadingFault;
  readonly value: number;
}

/** What is wrong with a reading; undefined for one that can have been measured. */
export function readingFault(field: Reading, value: number): ReadingFault | undefined {
  const [least, most] = READING_RANGES[field];
  if (value >= least && value <= most) return undefined;
  return MEANS_UNKNOWN.has(value) || Number.isNaN(value) ? 'READING_UNKNOWN' : 'READING_OUT_OF_RANGE';
}

/** The same for a person. */
export function sentenceOf({ field, code, value }: ReadingWarning): string {
  const [least, most] = READING_RANGES[field];
  return code === 'READING_UNKNOWN'
    ? `${field} is left out: ${value} is how a device says that it does not know.`
    : `${field} is left out: ${value} is not from ${least} to ${most}.`;
}
