/**
 * Why: the closed lists of reasons, each with the code of the X12 standard it comes from, so that a translation to
 * and from EDI loses nothing it need not lose.
 *
 * - The carrier's answer itself is element 558 (Reservation Action Code) of the 990: A accepted, C counter proposal
 *   made, D reservation cancelled, which is how the trade says "declined" (later releases add E, declined).
 * - Element 558 has no reasons. The 990 leaves them to remarks; we take them from element 1651 (Shipment Status or
 *   Appointment Reason Code) of the 214, which has words for them. Where 1651 has none, `x12` is null: the
 *   reason is ours and travels as a remark (1651 code BG, other).
 */
export interface Reason {
  /** The code of element 1651 (214), or null where the standard has no word for it. */
  readonly x12: string | null;
  /** What it means, for whoever chooses from the list. */
  readonly doc: string;
}

/** Why a carrier declines (990, element 558 = D; the reason from element 1651). */
export const DECLINE_REASONS = {
  DRIVER_NOT_AVAILABLE: { x12: 'D2', doc: 'No driver is free.' },
  TRACTOR_NOT_AVAILABLE: { x12: 'T2', doc: 'No tractor is free.' },
  TRAILER_NOT_AVAILABLE: { x12: 'T3', doc: 'No trailer is free.' },
  EQUIPMENT_NOT_SUITABLE: { x12: 'T5', doc: 'No trailer of the class asked for is free.' },
  INSUFFICIENT_PICKUP_TIME: { x12: 'AX', doc: 'The pick-up comes too soon.' },
  INSUFFICIENT_DELIVERY_TIME: { x12: 'BH', doc: 'The delivery cannot be made in time.' },
  EXCEEDS_SERVICE_LIMITATIONS: { x12: 'AV', doc: 'The lane or the service is not one of ours.' },
  SHIPMENT_OVERWEIGHT: { x12: 'BQ', doc: 'The load is too heavy.' },
  RESTRICTED_ARTICLES: { x12: 'AE', doc: 'The goods are not accepted.' },
  RATE_TOO_LOW: { x12: null, doc: 'The rate does not cover the run.' },
  OTHER: { x12: 'BG', doc: 'Another reason.' },
} as const satisfies Record<string, Reason>;

/** Why a tender is cancelled (204 with purpose 01, cancellation; the reason from element 1651). */
export const CANCEL_REASONS = {
  SHIPPER_RELATED: { x12: 'AM', doc: 'The shipper does not need it any more.' },
  CONSIGNEE_RELATED: { x12: 'AG', doc: 'The consignee does not want it any more.' },
  CARRIER_RELATED: { x12: 'AJ', doc: 'The carrier cannot run it after all.' },
  ALTERNATE_CARRIER: { x12: 'AZ', doc: 'Another carrier moves it outside of Waybill.' },
  MISSED_PICKUP: { x12: 'AY', doc: 'The pick-up was missed.' },
  WEATHER_OR_DISASTER: { x12: 'AO', doc: 'Weather or a natural disaster.' },
  NO_CARRIER_FOUND: { x12: null, doc: 'No carrier took it.' },
  DUPLICATE: { x12: null, doc: 'The same load was tendered twice.' },
  ENTERED_IN_ERROR: { x12: 'BF', doc: 'It was keyed in by mistake.' },
  OTHER: { x12: 'BG', doc: 'Another reason.' },
} as const satisfies Record<string, Reason>;

/** What went wrong on the way (214, element 1651). */
export const EXCEPTION_REASONS = {
  ACCIDENT: { x12: 'AF', doc: 'An accident.' },
  MECHANICAL_BREAKDOWN: { x12: 'AI', doc: 'The vehicle or trailer broke down.' },
  DRIVER_RELATED: { x12: 'AH', doc: 'The driver: ill, out of hours, lost.' },
  WEATHER_OR_DISASTER: { x12: 'AO', doc: 'Weather or a natural disaster.' },
  ROAD_CONDITIONS: { x12: 'BE', doc: 'Traffic, closures, the state of the road.' },
  CIVIL_EVENT: { x12: 'AU', doc: 'A strike, a protest, a police closure.' },
  BORDER_CLEARANCE: { x12: 'BD', doc: 'Waiting at a border.' },
  MISSING_DOCUMENTS: { x12: 'BC', doc: 'Papers are missing.' },
  SHIPPER_RELATED: { x12: 'AM', doc: 'The shipper: not ready, wrong goods.' },
  HELD_PER_SHIPPER: { x12: 'BB', doc: 'Held on the shipper’s word.' },
  CONSIGNEE_RELATED: { x12: 'AG', doc: 'The consignee: not ready, no dock.' },
  CONSIGNEE_CLOSED: { x12: 'B1', doc: 'The consignee is closed.' },
  REFUSED_BY_CUSTOMER: { x12: 'BS', doc: 'The goods were refused.' },
  INCORRECT_ADDRESS: { x12: 'A2', doc: 'The address is wrong.' },
  MISSED_PICKUP: { x12: 'AY', doc: 'The pick-up was missed.' },
  MISSED_DELIVERY: { x12: 'A1', doc: 'The delivery was missed.' },
  LOAD_SHIFTED: { x12: 'BP', doc: 'The load shifted.' },
  SHIPMENT_OVERWEIGHT: { x12: 'BQ', doc: 'The load is too heavy.' },
  OTHER: { x12: 'BG', doc: 'Another reason.' },
} as const satisfies Record<string, Reason>;

/** Why a live offer is taken back (204 with purpose 01 to that carrier; the reason from element 1651). */
export const WITHDRAW_REASONS = {
  SHIPPER_RELATED: { x12: 'AM', doc: 'The shipper changed its mind.' },
  ALTERNATE_CARRIER: { x12: 'AZ', doc: 'Another carrier is preferred.' },
  RATE_CHANGED: { x12: null, doc: 'It will be offered again at another rate.' },
  ENTERED_IN_ERROR: { x12: 'BF', doc: 'It was offered by mistake.' },
  OTHER: { x12: 'BG', doc: 'Another reason.' },
} as const satisfies Record<string, Reason>;

export type DeclineReason = keyof typeof DECLINE_REASONS;
export type CancelReason = keyof typeof CANCEL_REASONS;
export type ExceptionReason = keyof typeof EXCEPTION_REASONS;
export type WithdrawReason = keyof typeof WITHDRAW_REASONS;
