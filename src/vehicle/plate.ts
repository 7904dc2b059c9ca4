import { v5 } from 'uuid';
import {
  type Aggregate,
  type Command,
  type Decision,
  record,
  refuse,
  type Workflow,
} from '../eventstore/aggregate.ts';
import { refusal } from '../refusal.ts';
import type { RegisterVehicle } from './decide.ts';
import type { PlateEvent } from './events.ts';

// A licence plate is unique per tenant because it is a stream of its own: the plate's id is made of the tenant and
// the plate, registering a vehicle appends `LicensePlateClaimed` as the *first* event of that stream, in the same
// transaction, and the log's unique index (tenantId, aggregateType, aggregateId, sequence) lets one first event in.
// This holds on a sharded cluster too: that index begins with the shard key (tenantId, aggregateType, aggregateId),
// so whoever claims the same plate meets on the same shard. A unique index on the plate in `fleet_status` would not:
// read models are written after the fact, and are sharded by another key.

/** The namespace of plate ids (RFC 9562, version 5). Never changes. */
const NAMESPACE = 'd3c7a1f4-52b9-5d0e-8a64-0b7f1e9c2a35';

/** Takes a plate for a vehicle. */
export interface ClaimLicensePlate extends Command<'ClaimLicensePlate'> {
  readonly licensePlate: string;
  /** Who takes it, a UUID in text form. */
  readonly vehicleId: string;
}

/** Who has the plate; null before it was claimed. */
export interface PlateState {
  readonly vehicleId: string | null;
}

/** The plate as it is shown: trimmed, upper case, single spaces, plain hyphens. */
export function plateText(typed: string): string {
  return typed
    .normalize('NFKC')
    .trim()
    .toUpperCase()
    .replace(/\p{Pd}/gu, '-')
    .replace(/\s+/gu, ' ');
}

/**
 * What makes two plates the same: any run of spaces, hyphens, dots and middle dots is one separator. That there
 * *is* a separator counts: `B-MA 1234` (Berlin) and `BM-A 1234` (Bergheim) are two cars.
 */
export function plateKey(typed: string): string {
  return plateText(typed)
    .replace(/[\s\-.·]+/gu, '-')
    .replace(/^-|-$/g, '');
}

/** The id of a plate's stream: the same for every way to type it. */
export function plateId(tenantId: string, typed: string): string {
  return v5(`${tenantId}\0${plateKey(typed)}`, NAMESPACE);
}

/** The stream of a plate. A plate stays with the vehicle that claimed it, so look-ups may be cached for ever. */
export const licensePlate: Aggregate<PlateState, ClaimLicensePlate, PlateEvent> = {
  type: 'LicensePlate',
  stateVersion: 1,
  initial: { vehicleId: null },
  evolve: (state, event) =>
    event.type === 'LicensePlateClaimed' ? { vehicleId: event.payload.vehicleId } : state,
  decide: decidePlate,
  projections: [],
};

function decidePlate({ vehicleId }: PlateState, command: ClaimLicensePlate): Decision {
  if (vehicleId === command.vehicleId) return record();
  if (vehicleId !== null) {
    return refuse(
      refusal('LICENSE_PLATE_TAKEN', `${command.licensePlate} belongs to another vehicle.`, 'licensePlate'),
    );
  }
  const { licensePlate } = command;
  return record({ type: 'LicensePlateClaimed', payload: { licensePlate, vehicleId: command.vehicleId } });
}

/** Registering a vehicle claims its plate, in the same transaction: a plate that is taken refuses the registration. */
export const plateClaim: Workflow<unknown, RegisterVehicle> = {
  aggregateType: 'Vehicle',
  commands: ['RegisterVehicle'],
  steps(_state, { licensePlate: plate, at, occurredAt, by }, { tenantId, id: vehicleId }) {
    const claim = { type: 'ClaimLicensePlate', licensePlate: plate, vehicleId, at, occurredAt, by } as const;
    return [{ aggregate: licensePlate, id: plateId(tenantId, plate), command: claim }];
  },
};
