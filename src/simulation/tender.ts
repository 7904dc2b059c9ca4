import type { SeededRandom } from '../client/seeded-random.ts';
import { findCarrier, usd } from './carriers.ts';
import { RefusedError } from './dispatch-commands.ts';
import { type Crossing, distanceM } from './town.ts';
import type { Vehicle } from './vehicle.ts';
import type { World } from './world.ts';

export type Ending = 'completed' | 'cancelled';

const EQUIPMENT = ['53FT_DRY_VAN', 'REEFER', 'FLATBED', 'BOX_TRUCK'];

/**
 * One tender from its creation to its end, every step of it through the public API.
 * @param onCreated called with its id as soon as there is one
 * @throws RefusedError where a step is refused, RequestError
 */
export async function runTender(
  world: World,
  random: SeededRandom,
  onCreated: (tenderId: string) => void,
): Promise<Ending> {
  const { town, commands } = world;
  const [pickup, delivery] = [town.somewhere(random), town.somewhere(random)];
  const rate = random.whole(180, 900);
  const { id: tenderId } = await commands.send('createTender', {
    reference: `SIM-${random.whole(10_000, 99_999)}`,
    fleetId: world.fleetId,
    stops: [stopAt('PICKUP', pickup), stopAt('DELIVERY', delivery)],
    equipment: random.pick(EQUIPMENT),
    weightKg: random.whole(200, 18_000),
    rate: usd(rate),
  });
  onCreated(tenderId);
  if (!(await findCarrier(world, random, tenderId, rate))) {
    await commands.send('cancelTender', { tenderId, reasonCode: 'NO_CARRIER_FOUND' });
    return 'cancelled';
  }
  const vehicle = await assignNearest(world, tenderId, pickup);
  try {
    await carry(world, random, tenderId, vehicle, [pickup, delivery]);
    return 'completed';
  } finally {
    vehicle.busy = false;
  }
}

function stopAt(kind: 'PICKUP' | 'DELIVERY', { address, position: [longitude, latitude] }: Crossing) {
  return { kind, name: address, longitude, latitude };
}

/** Takes the nearest free vehicle; whether it is free is decided by the gateway. */
async function assignNearest(world: World, tenderId: string, pickup: Crossing): Promise<Vehicle> {
  for (;;) {
    const [nearest] = world.vehicles
      .filter((vehicle) => !vehicle.busy)
      .sort(
        (one, other) => distanceM(one.position, pickup.position) - distanceM(other.position, pickup.position),
      );
    if (nearest === undefined) {
      await world.pause(4);
      continue;
    }
    nearest.busy = true;
    try {
      await world.commands.send('assignTender', { tenderId, vehicleId: nearest.id });
      return nearest;
    } catch (error) {
      // Another tender has it: it stays busy for us.
      if (error instanceof RefusedError && error.code === 'VEHICLE_NOT_AVAILABLE') continue;
      nearest.busy = false;
      throw error;
    }
  }
}

async function carry(
  world: World,
  random: SeededRandom,
  tenderId: string,
  vehicle: Vehicle,
  stops: readonly Crossing[],
): Promise<void> {
  const { commands } = world;
  const delayed = random.chance(0.1);
  for (const [index, stop] of stops.entries()) {
    const report = { tenderId, stopSequence: index + 1 };
    await world.orStop(vehicle.driveTo(stop));
    await commands.send('reportArrival', report);
    await world.pause(random.between(5, 20));
    await commands.send('reportDeparture', report);
    if (index === 0 && delayed) {
      await commands.send('raiseException', { tenderId, reasonCode: 'ROAD_CONDITIONS', note: 'Road works' });
      await world.pause(10);
    }
  }
  await commands.send('completeTender', { tenderId });
}
