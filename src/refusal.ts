/** The union member a refusal is shown as; each implements `Refusal` in the public schema. */
export type RefusalKind = 'Conflict' | 'NotFound' | 'InvalidTransition' | 'InvalidInput' | 'Forbidden';

/**
 * Every business "no" that Waybill can say: its code, the union member that carries it, and what it tells the
 * client. The GraphQL enum `RefusalCode` and the README's table are made from this list.
 */
export const REFUSALS = {
  IDEMPOTENCY_KEY_REUSED: [
    'Conflict',
    'This idempotency key or event id was used before for a different input.',
  ],
  CONFLICT: [
    'Conflict',
    'Others changed the same thing at the same moment, more often than we retry. Read it again, then repeat.',
  ],
  OUTCOME_UNKNOWN: [
    'Conflict',
    'The database did not answer in time; the command may or may not be recorded. Repeat it with the same idempotency key.',
  ],
  NEWER_VERSION: [
    'Conflict',
    'A newer version of Waybill, which is being rolled out, has written here, and this process cannot judge it. Nothing was begun: send the same again.',
  ],
  ALREADY_EXISTS: ['Conflict', 'Something with this id exists already.'],
  LICENSE_PLATE_TAKEN: ['Conflict', 'Another vehicle of the tenant has this licence plate.'],
  NOT_FOUND: ['NotFound', 'There is nothing with this id, or it is not yours to see.'],
  INVALID_TRANSITION: ['InvalidTransition', 'This cannot be done in the present state.'],
  OFFER_EXPIRED: [
    'InvalidTransition',
    'The answer came after the offer had expired. It is recorded, but changes nothing.',
  ],
  OFFER_ENDED: [
    'InvalidTransition',
    'The offer was withdrawn, superseded or answered before. A late answer is recorded, but changes nothing.',
  ],
  OFFER_AMBIGUOUS: ['InvalidInput', 'More than one live offer could be meant: name one by offerId.'],
  STOP_ALREADY_REPORTED: [
    'InvalidTransition',
    'Not given any more: a report that differs from an earlier one is recorded, and marked.',
  ],
  VEHICLE_NOT_AVAILABLE: [
    'InvalidTransition',
    'The vehicle is not available, or is committed to another tender.',
  ],
  VEHICLE_COMMITTED: [
    'InvalidTransition',
    'The vehicle is committed to a tender; reassign or finish that first.',
  ],
  INVALID_INPUT: ['InvalidInput', 'A field is malformed or out of range; `field` names it.'],
  SUBJECT_ERASED: [
    'InvalidInput',
    'This person was erased: nothing is recorded of it any more. Another person has another id.',
  ],
  NOT_ON_EARTH: [
    'InvalidInput',
    'The coordinates are no place on Earth: longitude is -180 to 180, latitude -90 to 90, both finite.',
  ],
  NULL_ISLAND: ['InvalidInput', 'A position at (0, 0) is a device without a fix.'],
  FROM_THE_FUTURE: ['InvalidInput', 'occurredAt is further in the future than clocks may differ (60 s).'],
  TOO_LONG_AGO: [
    'InvalidInput',
    'occurredAt is impossibly long ago: before 2001, or of a report more than 30 days before its load was entered.',
  ],
  FORBIDDEN: ['Forbidden', 'The role of the caller does not allow this.'],
  APPROVAL_PEOPLE_ONLY: [
    'Forbidden',
    'Only people ask, approve and veto: no API key, no service account, and nobody in the role system.',
  ],
  APPROVAL_OWN_REQUEST: ['Forbidden', 'Who asks never approves or vetoes; cancel it instead.'],
  APPROVAL_ALREADY_VOTED: ['Conflict', 'You have approved this already; another person has to.'],
  APPROVAL_HASH_MISMATCH: [
    'Conflict',
    'This is not what is asked for now: read the approval again, and approve what you see there.',
  ],
  APPROVAL_STARTED_ANEW: [
    'Conflict',
    'It would now touch over 10 % more than was seen: all votes have fallen, and people are asked again.',
  ],
  APPROVAL_EXPIRED: ['InvalidTransition', 'It was not approved, or not done, in time: ask again.'],
} as const satisfies Record<string, readonly [RefusalKind, string]>;

export type RefusalCode = keyof typeof REFUSALS;

/**
 * A business "no": a value, never an exception. `field` names the input at fault (dotted path), where one is.
 */
export interface Refusal {
  readonly kind: RefusalKind;
  readonly code: RefusalCode;
  readonly message: string;
  readonly field?: string;
}

/** Makes a refusal; the message defaults to what the list says of the code. */
export function refusal(code: RefusalCode, message?: string, field?: string): Refusal {
  const [kind, text] = REFUSALS[code];
  return { kind, code, message: message ?? text, ...(field === undefined ? {} : { field }) };
}
