import { NewerVersion } from '../eventstore/newer.ts';
import { fold } from '../eventstore/projection.ts';
import type { Moment } from '../eventstore/time/as-of.ts';
import { type Context, requireAccess } from '../graphql/context.ts';
import { toUuid } from '../graphql/global-id.ts';
import { type Refusal, refusal } from '../refusal.ts';
import { licensePlate, plateId } from './plate.ts';
import { fleetStatus, type VehicleRow } from './projection.ts';
import { vehicle } from './vehicle.ts';

/**
 * Vehicles by id, in the order of `ids`, null for what is not there. `fleet_status` follows the log at a small
 * distance; a vehicle it does not have yet is folded from its own stream, so what was registered is found at once.
 */
export async function vehiclesById(context: Context, ids: readonly string[]): Promise<(VehicleRow | null)[]> {
  const rows = await context.store.rows(fleetStatus).byIds(ids);
  return Promise.all(rows.map((row, index) => row ?? foldFromLog(context, ids[index] ?? '')));
}

async function foldFromLog(context: Context, id: string): Promise<VehicleRow | null> {
  let row: VehicleRow | null = null;
  try {
    for await (const event of context.store.readStream(vehicle.type, id)) row = fold(fleetStatus, row, event);
  } catch (error) {
    // As far as this version understands it.
    if (!(error instanceof NewerVersion)) throw error;
  }
  return row;
}

/**
 * A vehicle as it was at `asOf`, as far as was known at `knownAt`. A vehicle is older than its registration with
 * us: fixes that were taken before it count, since the registration is a founding event.
 */
export function vehicleAsOf(context: Context, id: string, moment: Moment): Promise<VehicleRow | null> {
  return context.store.rowAsOf(vehicle, fleetStatus, id, moment);
}

/** What a client names a vehicle by: exactly one of both. */
export interface VehicleName {
  readonly licensePlate?: string | null | undefined;
  readonly id?: string | null | undefined;
}

/** True where exactly one of both is given. */
export function isNamed({ id, licensePlate: plate }: VehicleName): boolean {
  return (typeof id === 'string') !== (typeof plate === 'string');
}

/**
 * The ids of the vehicles that clients named, in their order; NOT_FOUND for no vehicle of the tenant. Plates are
 * looked up in their own streams, together, and from memory where they were claimed long ago: a claim never changes.
 * NEWER_VERSION for a plate of which only a newer version of Waybill knows whose it is.
 */
export async function vehicleIds(
  context: Context,
  names: readonly VehicleName[],
): Promise<(string | Refusal)[]> {
  const { tenantId } = requireAccess(context);
  const streams = new Map<string, string>();
  for (const { licensePlate: plate } of names) {
    if (typeof plate === 'string' && !streams.has(plate)) streams.set(plate, plateId(tenantId, plate));
  }
  const ids = [...new Set(streams.values())];
  const states = ids.length === 0 ? [] : await context.store.states(licensePlate, ids);
  const claimed = new Map(ids.map((id, index) => [id, states[index] ?? null]));
  return names.map(({ id, licensePlate: plate }) => {
    if (typeof id === 'string') return toUuid('Vehicle', id) ?? noVehicle();
    const claim = claimed.get(streams.get(plate ?? '') ?? '');
    if (claim === null) return refusal('NEWER_VERSION');
    return claim?.vehicleId ?? noVehicle();
  });
}

function noVehicle(): Refusal {
  return refusal('NOT_FOUND', 'There is no such vehicle.');
}
