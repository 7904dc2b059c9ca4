import { z } from 'zod';
import { defineEvent, type Fact, type Recorded } from '../eventstore/event.ts';
import { latitude, longitude, oneLine, text, uuidText } from '../eventstore/payload.ts';
import { READING_RANGES, type Reading } from './readings.ts';
import { CORRECTION_REASON_NAMES } from './reasons.ts';

/** The vehicle states of the Mobility Data Specification 2.0 (`modes/vehicle_states.md`), spelled as there. */
export const VEHICLE_STATES = [
  'removed',
  'available',
  'non_operational',
  'reserved',
  'on_trip',
  'stopped',
  'non_contactable',
  'missing',
  'elsewhere',
] as const;
export type MdsState = (typeof VEHICLE_STATES)[number];

/** Why a vehicle changed state: the event types of MDS 2.0 (`modes/event_types.md`) that lead to another state. */
export const STATE_REASONS = [
  'agency_drop_off',
  'agency_pick_up',
  'battery_charged',
  'battery_low',
  'comms_lost',
  'comms_restored',
  'compliance_pick_up',
  'customer_cancellation',
  'decommissioned',
  'driver_cancellation',
  'located',
  'maintenance',
  'maintenance_end',
  'maintenance_pick_up',
  'not_located',
  'off_hours',
  'on_hours',
  'order_drop_off',
  'order_pick_up',
  'passenger_cancellation',
  'provider_cancellation',
  'provider_drop_off',
  'rebalance_pick_up',
  'recommission',
  'reservation_cancel',
  'reservation_start',
  'reservation_stop',
  'service_end',
  'service_start',
  'system_resume',
  'system_suspend',
  'trip_cancel',
  'trip_end',
  'trip_enter_jurisdiction',
  'trip_leave_jurisdiction',
  'trip_pause',
  'trip_resume',
  'trip_start',
  'trip_stop',
  'unspecified',
] as const;
export type StateReason = (typeof STATE_REASONS)[number];

/** A plate as it is read and shown: trimmed, upper case. What makes two plates the same is `plate.ts`. */
const licensePlate = oneLine(
  z
    .string()
    .min(1)
    .max(32)
    .regex(/[\p{L}\p{N}]/u, 'must have a letter or a digit'),
);

function reading(name: Reading) {
  const [least, most] = READING_RANGES[name];
  return z.number().min(least).max(most).optional();
}

/** Where a vehicle was and what its device read there; when, is the event's occurredAt. */
const fix = z.object({
  longitude,
  latitude,
  deviceId: text.optional(),
  speedMps: reading('speedMps'),
  headingDeg: reading('headingDeg').meta({ description: 'clockwise from true north' }),
  accuracyM: reading('accuracyM').meta({ description: 'radius of the error circle' }),
  altitudeM: reading('altitudeM').meta({ description: 'above mean sea level' }),
  odometerM: reading('odometerM'),
  batteryPercent: reading('batteryPercent'),
});

const commitment = z.object({ tenderId: uuidText });

export const vehicleEvents = [
  defineEvent({
    type: 'VehicleRegistered',
    version: 1,
    aggregateType: 'Vehicle',
    effect: 'decision',
    doc: 'A vehicle joined the fleet under a licence plate; it is available from now on.',
    payload: z.object({ licensePlate, fleetId: text.optional() }),
  }),
  defineEvent({
    type: 'VehicleStateChanged',
    version: 1,
    aggregateType: 'Vehicle',
    effect: 'decision',
    doc: 'A vehicle went from one MDS 2.0 state to another; the reason is an MDS 2.0 event type.',
    payload: z.object({ from: z.enum(VEHICLE_STATES), to: z.enum(VEHICLE_STATES) }),
    reasonCodes: STATE_REASONS,
  }),
  defineEvent({
    type: 'LocationTracked',
    version: 1,
    aggregateType: 'Vehicle',
    effect: 'observation',
    onlyNewestCounts: true,
    doc: 'A device on a vehicle took a fix at occurredAt.',
    payload: fix,
  }),
  defineEvent({
    type: 'LocationCorrected',
    version: 1,
    aggregateType: 'Vehicle',
    effect: 'observation',
    onlyNewestCounts: true,
    doc: 'What a fix should have said, which was recorded before; occurredAt is that of the fix.',
    payload: z.object({
      fixId: uuidText.meta({ description: 'the event that recorded the fix' }),
      number: z
        .int()
        .min(1)
        .meta({ description: 'its number among the corrections of the fix, of which the last holds' }),
      recorded: fix.meta({ description: 'what that event says' }),
      corrected: fix.meta({ description: 'what holds instead, the whole of it' }),
      key: text.optional().meta({ description: 'the idempotency key that it was asked for by' }),
    }),
    reasonCodes: CORRECTION_REASON_NAMES,
  }),
  defineEvent({
    type: 'VehicleReserved',
    version: 1,
    aggregateType: 'Vehicle',
    effect: 'decision',
    doc: 'A tender was assigned to the vehicle: it is committed to that tender until released or arrived.',
    payload: commitment,
  }),
  defineEvent({
    type: 'VehicleReleased',
    version: 1,
    aggregateType: 'Vehicle',
    effect: 'decision',
    doc: 'The vehicle is no longer committed to the tender, which went to another vehicle or came to nothing.',
    payload: commitment,
  }),
  defineEvent({
    type: 'TripStarted',
    version: 1,
    aggregateType: 'Vehicle',
    effect: 'decision',
    doc: 'The vehicle departed with the tender it is committed to.',
    payload: commitment,
  }),
  defineEvent({
    type: 'TripEnded',
    version: 1,
    aggregateType: 'Vehicle',
    effect: 'decision',
    doc: 'The tender is completed; the vehicle is free for another.',
    payload: commitment,
  }),
] as const;

/** The stream of a plate holds who has it. See `plate.ts` for why this makes a plate unique. */
export const plateEvents = [
  defineEvent({
    type: 'LicensePlateClaimed',
    version: 1,
    aggregateType: 'LicensePlate',
    effect: 'decision',
    doc: 'A vehicle took a licence plate that no other vehicle of the tenant has.',
    payload: z.object({ licensePlate, vehicleId: uuidText }),
  }),
] as const;

export type VehicleEvent = Recorded<(typeof vehicleEvents)[number]>;
export type VehicleFact = Fact<(typeof vehicleEvents)[number]>;
export type PlateEvent = Recorded<(typeof plateEvents)[number]>;

/** The payload of `LocationTracked`. */
export type FixPayload = z.infer<typeof fix>;
