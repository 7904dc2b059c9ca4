import { z } from 'zod';
import { type GraphqlClient, RequestError } from '../client/graphql-client.ts';
import { vehicleRoll } from '../client/vehicle-roll.ts';

const FIND = 'query ($licensePlate: String!) { vehicle(licensePlate: $licensePlate) { id state } }';
const found = z.object({ vehicle: z.object({ id: z.string(), state: z.string() }).nullable() });

/** A vehicle of the made-up fleet as the gateway knows it. */
export interface Rostered {
  readonly id: string;
  readonly licensePlate: string;
  /** False where an earlier run left it committed to a tender. */
  readonly available: boolean;
}

/** Registers the vehicles SIM-001, SIM-002 …, or finds those that an earlier run registered. */
export function rosterFleet(client: GraphqlClient, fleetId: string, size: number): Promise<Rostered[]> {
  const roll = vehicleRoll(client, fleetId);
  const plates = Array.from({ length: size }, (_, index) => `SIM-${String(index + 1).padStart(3, '0')}`);
  return Promise.all(
    plates.map(async (licensePlate) => {
      const registration = await roll.ensure(licensePlate);
      if (registration.kind === 'registered') return { id: registration.id, licensePlate, available: true };
      if (registration.kind === 'refused') throw new RequestError(registration.code, registration.message);
      const { vehicle } = await client.execute(FIND, { licensePlate }, found);
      if (vehicle === null)
        throw new RequestError('NOT_FOUND', `The vehicle ${licensePlate} cannot be found.`);
      return { id: vehicle.id, licensePlate, available: vehicle.state === 'available' };
    }),
  );
}
