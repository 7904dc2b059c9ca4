import type { stamp, TenantIntent } from '../context.ts';
import type { TrackLocation, VehicleCommand } from './decide.ts';
import type { FixPayload } from './events.ts';
import { fixEventId } from './position.ts';
import type { VehicleState } from './state.ts';
import { vehicle } from './vehicle.ts';

const READINGS = [
  'deviceId',
  'speedMps',
  'headingDeg',
  'accuracyM',
  'altitudeM',
  'odometerM',
  'batteryPercent',
] as const satisfies readonly (keyof FixPayload)[];

type Loose<T> = { readonly [K in keyof T]: T[K] | null };

/** A fix as a client sends it. */
export interface FixFields extends Loose<Omit<FixPayload, 'longitude' | 'latitude'>> {
  readonly longitude: number;
  readonly latitude: number;
  readonly idempotencyKey?: string | null | undefined;
  readonly occurredAt?: Date | null | undefined;
}

/**
 * The intent to record a fix. With a key, the key identifies it; without one, vehicle, device and occurredAt do.
 * What is compared when it comes again are its coordinates and readings.
 * @param base whose `occurredAt` is the fix's own, or else the server's clock
 */
export function fixIntent(
  tenantId: string,
  vehicleId: string,
  fields: FixFields,
  base: ReturnType<typeof stamp>,
): TenantIntent<VehicleState, VehicleCommand> {
  const fix = payloadOf(fields);
  const key = fields.idempotencyKey ?? undefined;
  const command: TrackLocation = { type: 'TrackLocation', fix, keyed: key !== undefined, ...base };
  if (key !== undefined) {
    const input = fields.occurredAt ? { fix, occurredAt: fields.occurredAt } : fix;
    return { aggregate: vehicle, id: vehicleId, command, input, key };
  }
  const eventId = fixEventId(tenantId, vehicleId, fix.deviceId, base.occurredAt);
  return { aggregate: vehicle, id: vehicleId, command, input: fix, eventId };
}

/** Thousands of these are made a second: no generic copying. */
function payloadOf(fields: FixFields): FixPayload {
  const fix: Record<string, unknown> & { longitude: number; latitude: number } = {
    longitude: fields.longitude,
    latitude: fields.latitude,
  };
  for (const name of READINGS) {
    const value = fields[name];
    if (value !== undefined && value !== null) fix[name] = value;
  }
  return fix;
}
