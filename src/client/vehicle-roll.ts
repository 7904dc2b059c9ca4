import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { GraphqlClient } from './graphql-client.ts';
import { inFlight } from './in-flight.ts';

/** Registrations on their way at once, whatever the number of batches that wait for them. */
const REGISTRATIONS_IN_FLIGHT = 8;

const REGISTER = /* GraphQL */ `
  mutation RegisterVehicle($input: RegisterVehicleInput!) {
    registerVehicle(input: $input) {
      __typename
      ... on VehiclePayload { vehicle { id } }
      ... on Refusal { code message }
    }
  }
`;

const answer = z.object({
  registerVehicle: z.object({
    vehicle: z.object({ id: z.string() }).optional(),
    code: z.string().optional(),
    message: z.string().optional(),
  }),
});

/** What became of a plate: registered by us, known before, or neither and why. */
export type Registration =
  | { readonly kind: 'registered'; readonly id: string }
  | { readonly kind: 'known' }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/** Registers vehicles, each once, however many callers ask for it at the same time. */
export interface VehicleRoll {
  ensure(licensePlate: string): Promise<Registration>;
}

/** @param fleetId the fleet of vehicles that are registered now; those known before stay in theirs */
export function vehicleRoll(client: GraphqlClient, fleetId: string | undefined): VehicleRoll {
  // One name per run and plate: a repeat after a lost reply is the same intent, a second run is another.
  const run = randomUUID();
  const turn = inFlight(REGISTRATIONS_IN_FLIGHT);
  const asked = new Map<string, Promise<Registration>>();

  async function register(licensePlate: string): Promise<Registration> {
    const input = {
      licensePlate,
      idempotencyKey: `register:${run}:${licensePlate}`,
      ...(fleetId && { fleetId }),
    };
    const { registerVehicle } = await client.execute(REGISTER, { input }, answer);
    const { vehicle, code = 'UNKNOWN', message = '' } = registerVehicle;
    if (vehicle !== undefined) return { kind: 'registered', id: vehicle.id };
    return code === 'LICENSE_PLATE_TAKEN' ? { kind: 'known' } : { kind: 'refused', code, message };
  }

  return {
    ensure(licensePlate) {
      const before = asked.get(licensePlate);
      if (before !== undefined) return before;
      const registration = turn(() => register(licensePlate));
      asked.set(licensePlate, registration);
      return registration;
    },
  };
}
