import { type Context, requireAccess, stamp, type TenantIntent } from '../graphql/context.ts';
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

/** What a client says of a place: null is the same as nothing. */
export interface FixFields extends Loose<Omit<FixPayload, 'longitude' | 'latitude'>> {
  readonly longitude: number;
  readonly latitude: number;
}

/** What tells a fix from others, as far as the client said. */
export interface FixIdentity {
  readonly key?: string | null | undefined;
  readonly occurredAt?: Date | null | undefined;
}

/**
 * The intent to record a fix. With a key, the key identifies it; without one, vehicle, device and occurredAt do;
 * with neither key nor occurredAt it is a fix of its own (two of one millisecond are two). When it comes again, its
 * coordinates and readings must be the same.
 */
export function fixIntent(
  context: Context,
  vehicleId: string,
  fields: FixFields,
  { key, occurredAt }: FixIdentity,
): TenantIntent<VehicleState, VehicleCommand> {
  const fix = payloadOf(fields);
  const base = stamp(context, { occurredAt });
  const keyed = typeof key === 'string';
  const command: TrackLocation = { type: 'TrackLocation', fix, keyed, ...base };
  if (keyed) {
    const input = occurredAt ? { fix, occurredAt } : fix;
    return { aggregate: vehicle, id: vehicleId, command, input, key };
  }
  const { tenantId } = requireAccess(context);
  const name = occurredAt ? fix.deviceId : context.store.newId(vehicle.type);
  const eventId = fixEventId(tenantId, vehicleId, name, base.occurredAt);
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
