/** Why a fix that is recorded is corrected: a closed list. Partners are told of positions, not of their corrections. */
export const CORRECTION_REASONS = {
  WRONG_UNIT: 'A reading was taken for one of another unit',
  MISSING_READING: 'A reading had been left out: a column of a file, a sensor',
  BETTER_SOURCE: 'A better source tells another place or reading',
  DEVICE_FAULT: 'The device was wrong, and how is known',
  ENTERED_IN_ERROR: 'It was keyed in or sent by mistake',
  OTHER: 'None of these',
} as const;

export type CorrectionReason = keyof typeof CORRECTION_REASONS;
export const CORRECTION_REASON_NAMES = Object.keys(CORRECTION_REASONS) as [
  CorrectionReason,
  ...CorrectionReason[],
];
