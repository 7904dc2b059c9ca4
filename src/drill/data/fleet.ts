import { z } from 'zod';
import type { GraphqlClient } from '../../client/graphql-client.ts';
import { inFlight } from '../../client/in-flight.ts';
import type { SeededRandom } from '../../client/seeded-random.ts';
import { newId } from '../../eventstore/ids.ts';
import type { BoundingBox } from '../../vehicle/position.ts';

/** A position that was sent. */
export interface SentFix {
  readonly longitude: number;
  readonly latitude: number;
  readonly occurredAt: Date;
  /** By the clock of `performance.now()`; undefined until the answer came. */
  acknowledgedAt: number | undefined;
}

/** A vehicle that drives about, and remembers the last positions that it sent, the newest first. */
export interface MovingVehicle {
  readonly id: string;
  /** Drives on, and notes where it is now as sent. */
  advance(): SentFix;
  readonly fixes: readonly SentFix[];
}

const REGISTER = `mutation ($input: RegisterVehicleInput!) {
  registerVehicle(input: $input) { ... on VehiclePayload { vehicle { id } } ... on Refusal { code } }
}`;
const registered = z.object({ registerVehicle: z.object({ vehicle: z.object({ id: z.string() }) }) });
const REGISTRATIONS_AT_ONCE = 32;

/** Where all of them drive. */
const LAND: BoundingBox = { west: -120, south: 30, east: -70, north: 48 };
/** The furthest that one gets between two fixes, in degrees. */
const STEP_DEG = 0.05;
/** How many fixes a vehicle remembers: no frame shows an older one. */
const REMEMBERED = 4;

/** Registers so many vehicles, spread over the land. */
export function registerFleet(
  client: GraphqlClient,
  vehicles: number,
  random: SeededRandom,
): Promise<MovingVehicle[]> {
  const turn = inFlight(REGISTRATIONS_AT_ONCE);
  const register = async (_: unknown, index: number): Promise<MovingVehicle> => {
    const input = { idempotencyKey: newId(), licensePlate: `DRILL ${index}`, fleetId: `fleet-${index % 20}` };
    const { registerVehicle } = await client.execute(REGISTER, { input }, registered);
    return drive(registerVehicle.vehicle.id, random);
  };
  return Promise.all(Array.from({ length: vehicles }, (_, index) => turn(() => register(_, index))));
}

function drive(id: string, random: SeededRandom): MovingVehicle {
  let longitude = random.between(LAND.west, LAND.east);
  let latitude = random.between(LAND.south, LAND.north);
  const fixes: SentFix[] = [];
  return {
    id,
    fixes,
    advance() {
      longitude = within(longitude + random.between(-STEP_DEG, STEP_DEG), LAND.west, LAND.east);
      latitude = within(latitude + random.between(-STEP_DEG, STEP_DEG), LAND.south, LAND.north);
      // Two fixes of one moment are one fix.
      const after = (fixes[0]?.occurredAt.getTime() ?? 0) + 1;
      const occurredAt = new Date(Math.max(Date.now(), after));
      const fix = { longitude, latitude, occurredAt, acknowledgedAt: undefined };
      fixes.unshift(fix);
      fixes.length = Math.min(fixes.length, REMEMBERED);
      return fix;
    },
  };
}

/** A box somewhere on the land that holds about this share of the vehicles. */
export function boxOf(share: number, random: SeededRandom): BoundingBox {
  const width = (LAND.east - LAND.west) * Math.sqrt(share);
  const height = (LAND.north - LAND.south) * Math.sqrt(share);
  const west = random.between(LAND.west, LAND.east - width);
  const south = random.between(LAND.south, LAND.north - height);
  return { west, south, east: west + width, north: south + height };
}

export function isIn({ west, south, east, north }: BoundingBox, { longitude, latitude }: SentFix): boolean {
  return longitude >= west && longitude <= east && latitude >= south && latitude <= north;
}

function within(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
