/**
 * Why a planned route is changed: a closed list, each reason with the code of X12 data element 1651 (Shipment
 * Status or Appointment Reason Code, used in AT7-02 of transaction set 214) that it is reported as to partners.
 * 1651 has no code for traffic or for a dispatcher's own improvements; the nearest and "other" stand for them.
 */
export const ADJUST_REASONS = {
  TRAFFIC: ['BE', 'Congestion on the way (1651: road conditions)'],
  ROAD_CONDITIONS: ['BE', 'Works, ice, a closed or restricted road'],
  WEATHER: ['AO', 'Weather or a natural disaster'],
  ACCIDENT: ['AF', 'An accident, of the vehicle or ahead of it'],
  MECHANICAL_BREAKDOWN: ['AI', 'The vehicle broke down'],
  DRIVER_RELATED: ['AH', 'The driver: hours of service, illness'],
  DRIVER_NOT_AVAILABLE: ['D2', 'No driver for the planned way'],
  CUSTOMER_REQUEST: ['AD', 'The customer asked for another time or place'],
  CONSIGNEE_RELATED: ['AG', 'The receiver cannot take the load as planned'],
  CONSIGNEE_CLOSED: ['B1', 'The receiver is closed'],
  SHIPPER_RELATED: ['AM', 'The shipper cannot give the load as planned'],
  ADDRESS_CORRECTED: ['A6', 'A stop was planned at a wrong address'],
  BORDER_CLEARANCE: ['BD', 'A border or customs'],
  MISSED_PICKUP: ['AY', 'A pick-up was missed'],
  MISSED_DELIVERY: ['A1', 'A delivery was missed'],
  DISPATCH_ERROR: ['D1', "The plan was the dispatcher's mistake"],
  OPTIMIZATION: ['BG', 'A better way was found (1651: other)'],
  OTHER: ['BG', 'None of these'],
} as const satisfies Record<string, readonly [code1651: string, meaning: string]>;

export type AdjustReason = keyof typeof ADJUST_REASONS;
export const ADJUST_REASON_NAMES = Object.keys(ADJUST_REASONS) as [AdjustReason, ...AdjustReason[]];

/** Who or what found that the route must change. */
export const ADJUST_SOURCES = {
  DISPATCHER: 'A person at the dispatch desk',
  DRIVER: 'The driver',
  CUSTOMER: 'The shipper or the receiver',
  CARRIER: "The carrier's own system",
  OPTIMIZER: 'A route optimiser',
  TELEMATICS: 'A device on the vehicle',
  TRAFFIC_SERVICE: 'A feed of traffic, weather or closures',
} as const;

export type AdjustSource = keyof typeof ADJUST_SOURCES;
export const ADJUST_SOURCE_NAMES = Object.keys(ADJUST_SOURCES) as [AdjustSource, ...AdjustSource[]];
