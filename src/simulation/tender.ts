import type { SeededRandom } from '../client/seeded-random.ts';
import { type DispatchCommands, RefusedError, type SeenTender } from './dispatch-commands.ts';
import { type Crossing, distanceM, type Town } from './town.ts';
import type { SimulatedVehicle } from './vehicle.ts';

/** What the life of a made-up tender needs of the simulation around it. */
export interface TenderWorld {
  readonly town: Town;
  readonly commands: DispatchCommands;
  readonly vehicles: readonly SimulatedVehicle[];
  readonly fleetId: string;
  /** Seconds of the simulation in milliseconds of the clock. */
  realMs(seconds: number): number;
  /** Lets somebody think for that many seconds of the simulation. */
  pause(seconds: number): Promise<void>;
  /** The same promise, given up when the simulation is stopped. */
  orStop<T>(promise: Promise<T>): Promise<T>;
  onCreated(tenderId: string): void;
}

export type Ending = 'completed' | 'cancelled';

const CARRIERS = ['acme-freight', 'blue-line', 'coastal-haulage', 'delta-trucking', 'eagle-express'];
const DECLINES = [
  'DRIVER_NOT_AVAILABLE',
  'TRACTOR_NOT_AVAILABLE',
  'INSUFFICIENT_PICKUP_TIME',
  'RATE_TOO_LOW',
];
const EQUIPMENT = ['53FT_DRY_VAN', 'REEFER', 'FLATBED', 'BOX_TRUCK'];
/** How long an offer stands, in seconds of the simulation; on the clock never less than MIN_OFFER_MS. */
const OFFER_SECONDS = 60;
const MIN_OFFER_MS = 3_000;
const MAX_ROUNDS = 3;

/** One tender from its creation to its end, every step of it through the public API. */
export async function runTender(world: TenderWorld, random: SeededRandom): Promise<Ending> {
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
  world.onCreated(tenderId);
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

function stopAt(kind: 'PICKUP' | 'DELIVERY', { address, place: [longitude, latitude] }: Crossing) {
  return { kind, name: address, longitude, latitude };
}

function usd(amount: number) {
  return { amount: amount.toFixed(2), currency: 'USD' };
}

/** Offers to several carriers at once, again at a better rate where all of them say no or nothing. */
async function findCarrier(
  world: TenderWorld,
  random: SeededRandom,
  tenderId: string,
  rate: number,
): Promise<boolean> {
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const wait = Math.max(MIN_OFFER_MS, world.realMs(OFFER_SECONDS));
    const expiresAt = new Date(Date.now() + wait).toISOString();
    const asked = CARRIERS.filter(() => random.chance(0.5));
    for (const carrierId of asked.length > 0 ? asked : CARRIERS.slice(0, 1)) {
      const terms = { tenderId, carrierId, rate: usd(rate * (1 + round / 10)), expiresAt };
      const tender = await world.commands.send('offerTender', terms);
      const offer = tender.offers.find((sent) => sent.carrierId === carrierId && sent.status === 'SENT');
      if (offer !== undefined && (await answerInTime(world, random, tenderId, offer.id, rate))) return true;
    }
    if ((await settled(world, tenderId)).status !== 'EXHAUSTED') return true;
  }
  return false;
}

/** On a slow machine an answer may come after the offer's end, which is a carrier's life. */
async function answerInTime(...offer: Parameters<typeof answer>): Promise<boolean> {
  try {
    return await answer(...offer);
  } catch (error) {
    if (error instanceof RefusedError && /^OFFER_(EXPIRED|ENDED)$/.test(error.code)) return false;
    throw error;
  }
}

/** A carrier makes up its mind; true where it takes the load. */
async function answer(
  world: TenderWorld,
  random: SeededRandom,
  tenderId: string,
  offerId: string,
  rate: number,
): Promise<boolean> {
  const { commands } = world;
  const [mind, agrees, reasonCode] = [random.between(0, 1), random.chance(0.6), random.pick(DECLINES)];
  await world.pause(random.between(2, 10));
  if (mind < 0.45) {
    await commands.send('acceptTender', { tenderId, offerId });
    return true;
  }
  if (mind < 0.65) await commands.send('declineTender', { tenderId, offerId, reasonCode });
  else if (mind < 0.85) {
    await commands.send('counterTender', { tenderId, offerId, rate: usd(rate * 1.2) });
    await world.pause(random.between(2, 6));
    await commands.send('answerCounter', { tenderId, offerId, accepted: agrees });
    return agrees;
  }
  return false; // It says nothing, and the offer lapses.
}

/** Waits until no offer can be answered any more. */
async function settled(world: TenderWorld, tenderId: string): Promise<SeenTender> {
  for (;;) {
    const tender = await world.commands.see(tenderId);
    if (tender.status !== 'OFFERED') return tender;
    await world.pause(4);
  }
}

/** Takes the nearest free vehicle; the gateway has the last word on whether it is free. */
async function assignNearest(
  world: TenderWorld,
  tenderId: string,
  pickup: Crossing,
): Promise<SimulatedVehicle> {
  for (;;) {
    const [nearest] = world.vehicles
      .filter((vehicle) => !vehicle.busy)
      .sort((one, other) => distanceM(one.place, pickup.place) - distanceM(other.place, pickup.place));
    if (nearest === undefined) {
      await world.pause(4);
      continue;
    }
    nearest.busy = true;
    try {
      await world.commands.send('assignTender', { tenderId, vehicleId: nearest.id });
      return nearest;
    } catch (error) {
      // Someone else's tender has it; it stays out of our use.
      if (error instanceof RefusedError && error.code === 'VEHICLE_NOT_AVAILABLE') continue;
      nearest.busy = false;
      throw error;
    }
  }
}

async function carry(
  world: TenderWorld,
  random: SeededRandom,
  tenderId: string,
  vehicle: SimulatedVehicle,
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
