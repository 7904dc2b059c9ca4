import { type GraphqlClient, pauseFor, RequestError } from '../client/graphql-client.ts';
import { type DispatchCommands, dispatchCommands } from './dispatch-commands.ts';
import { rosterFleet } from './fleet-roster.ts';
import { type LonLat, makeTown, type Town } from './town.ts';
import { makeVehicle, type Vehicle } from './vehicle.ts';

/** What tenders have around them: a town, a fleet, the gateway, and a time of their own. */
export interface World {
  readonly town: Town;
  readonly commands: DispatchCommands;
  readonly vehicles: readonly Vehicle[];
  readonly fleetId: string;
  /** Seconds of the simulation in milliseconds of the clock. */
  realMs(seconds: number): number;
  /** Waits for so many seconds of the simulation. */
  pause(seconds: number): Promise<void>;
  /** The same promise, given up when the simulation is stopped. */
  orStop<T>(promise: Promise<T>): Promise<T>;
}

export interface WorldOptions {
  readonly vehicles: number;
  readonly pace: number;
  readonly seed: string;
  readonly fleetId: string;
  readonly centre: LonLat;
  readonly signal: AbortSignal;
}

/** Makes the town and registers the fleet. @throws RequestError */
export async function makeWorld(client: GraphqlClient, options: WorldOptions): Promise<World> {
  const { seed, fleetId, pace, signal } = options;
  const town = makeTown(seed, options.centre);
  const roster = await rosterFleet(client, fleetId, options.vehicles);
  const vehicles = roster.map(({ available, ...identity }) =>
    Object.assign(makeVehicle(town, seed, identity), { busy: !available }),
  );
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new RequestError('STOPPED', 'Stopped.')), { once: true });
  });
  // It may reject while no tender waits for a vehicle.
  stopped.catch(() => undefined);
  const realMs = (seconds: number): number => (seconds * 1000) / pace;
  return {
    ...{ town, vehicles, fleetId, realMs },
    commands: dispatchCommands(client),
    pause: (seconds) => pauseFor(realMs(seconds), signal),
    orStop: (promise) => Promise.race([promise, stopped]),
  };
}
