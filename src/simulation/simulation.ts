import { setMaxListeners } from 'node:events';
import { z } from 'zod';
import { type GraphqlClient, pauseFor, RequestError } from '../client/graphql-client.ts';
import { inFlight } from '../client/in-flight.ts';
import { seededRandom } from '../client/seeded-random.ts';
import { dispatchCommands, RefusedError } from './dispatch-commands.ts';
import { rosterFleet } from './fleet-roster.ts';
import { runTender, type TenderWorld } from './tender.ts';
import { makeTown, type Place } from './town.ts';
import { type SimulatedVehicle, simulatedVehicle } from './vehicle.ts';

/** Requests on their way at once, whatever the size of the fleet. */
const REQUESTS_IN_FLIGHT = 16;
const FIXES_PER_REQUEST = 500;

const TRACK = `mutation ($input: TrackLocationsInput!) {
  trackLocations(input: $input) { recorded refused { code } }
}`;
const tracked = z.object({
  trackLocations: z.object({ recorded: z.number(), refused: z.array(z.object({ code: z.string() })) }),
});

export interface SimulationOptions {
  readonly vehicles: number;
  /** Tenders under way at once. */
  readonly tenders: number;
  /** Fixes a second of each vehicle. */
  readonly rate: number;
  /** How many times faster than the clock the town lives. */
  readonly pace: number;
  readonly seed: string;
  readonly fleetId: string;
  readonly centre: Place;
  /** Ends the simulation. */
  readonly signal: AbortSignal;
  /** Told about once a second. */
  onProgress?(summary: SimulationSummary): void;
}

/** What came of a simulation, so far or in all. */
export interface SimulationSummary {
  fixes: number;
  /** Rounds of fixes that were left out because the gateway had not taken the one before. */
  skippedRounds: number;
  created: number;
  completed: number;
  cancelled: number;
  /** Tenders that were under way at the end, and were cancelled to free their vehicles. */
  cleared: number;
  readonly refused: Map<string, number>;
}

/**
 * Drives a made-up fleet and its tenders through the public API until it is stopped.
 * @param client stops with the signal of the options
 * @param afterwards a client without that signal, to clear up with
 * @throws RequestError where the gateway fails for good
 */
export async function simulate(
  client: GraphqlClient,
  afterwards: GraphqlClient,
  options: SimulationOptions,
): Promise<SimulationSummary> {
  const summary: SimulationSummary = {
    ...{ fixes: 0, skippedRounds: 0, created: 0, completed: 0, cancelled: 0, cleared: 0 },
    refused: new Map(),
  };
  const open = new Set<string>();
  const turn = inFlight(REQUESTS_IN_FLIGHT);
  const bounded: GraphqlClient = {
    execute: (document, variables, schema) => turn(() => client.execute(document, variables, schema)),
    probe: () => client.probe(),
  };
  // A failure for good in one place ends the others, too.
  const failure = new AbortController();
  const signal = AbortSignal.any([options.signal, failure.signal]);
  setMaxListeners(0, signal); // Everybody who waits in town listens to it.
  const world = await makeWorld(bounded, { ...options, signal }, open, summary);
  const parts = [
    move(bounded, world.vehicles, { ...options, signal }, summary),
    ...Array.from({ length: options.tenders }, (_, lane) =>
      dispatch(world, lane, options.seed, open, summary),
    ),
  ];
  try {
    await Promise.all(parts);
  } catch (error) {
    if (!(error instanceof RequestError && error.code === 'STOPPED')) throw error;
  } finally {
    failure.abort();
    await Promise.allSettled(parts);
    await clearUp(afterwards, open, summary);
  }
  return summary;
}

async function makeWorld(
  client: GraphqlClient,
  options: SimulationOptions,
  open: Set<string>,
  summary: SimulationSummary,
): Promise<TenderWorld> {
  const { seed, fleetId, pace, signal } = options;
  const town = makeTown(seed, options.centre);
  const roster = await rosterFleet(client, fleetId, options.vehicles);
  const vehicles = roster.map(({ available, ...identity }) =>
    Object.assign(simulatedVehicle(town, seed, identity), { busy: !available }),
  );
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new RequestError('STOPPED', 'Stopped.')), { once: true });
  });
  stopped.catch(() => {}); // Nobody may be waiting for a vehicle just then.
  const realMs = (seconds: number) => (seconds * 1000) / pace;
  return {
    town,
    commands: dispatchCommands(client),
    vehicles,
    fleetId,
    realMs,
    pause: (seconds) => pauseFor(realMs(seconds), signal),
    orStop: (promise) => Promise.race([promise, stopped]),
    onCreated(tenderId) {
      open.add(tenderId);
      summary.created += 1;
    },
  };
}

/** Moves all vehicles and sends where they are, round after round; a gateway that is behind gets fewer rounds. */
async function move(
  client: GraphqlClient,
  vehicles: readonly SimulatedVehicle[],
  { rate, pace, signal, onProgress }: SimulationOptions,
  summary: SimulationSummary,
): Promise<void> {
  let sending: Promise<void> | undefined;
  let failed: unknown;
  let [movedAt, toldAt] = [Date.now(), Date.now()];
  for (;;) {
    await pauseFor(1000 / rate, signal);
    if (failed !== undefined) throw failed;
    const now = Date.now();
    for (const vehicle of vehicles) vehicle.advance(((now - movedAt) / 1000) * pace);
    movedAt = now;
    if (sending === undefined) {
      sending = report(client, vehicles, summary)
        .catch((error: unknown) => {
          failed = error;
        })
        .finally(() => {
          sending = undefined;
        });
    } else summary.skippedRounds += 1;
    if (now - toldAt < 1000) continue;
    toldAt = now;
    onProgress?.(summary);
  }
}

async function report(
  client: GraphqlClient,
  vehicles: readonly SimulatedVehicle[],
  summary: SimulationSummary,
): Promise<void> {
  const at = new Date();
  for (let start = 0; start < vehicles.length; start += FIXES_PER_REQUEST) {
    const fixes = vehicles.slice(start, start + FIXES_PER_REQUEST).map((vehicle) => vehicle.fix(at));
    const { trackLocations } = await client.execute(TRACK, { input: { fixes } }, tracked);
    summary.fixes += trackLocations.recorded;
    for (const { code } of trackLocations.refused) countRefusal(summary, code);
  }
}

/** One tender after the other; what a lane decides depends on the seed alone, not on the other lanes. */
async function dispatch(
  world: TenderWorld,
  lane: number,
  seed: string,
  open: Set<string>,
  summary: SimulationSummary,
): Promise<never> {
  const random = seededRandom(`lane ${seed} ${lane}`);
  for (;;) {
    await world.pause(random.between(0, 15));
    let tenderId: string | undefined;
    const onCreated = (id: string) => {
      tenderId = id;
      world.onCreated(id);
    };
    try {
      summary[await runTender({ ...world, onCreated }, random)] += 1;
      if (tenderId !== undefined) open.delete(tenderId);
    } catch (error) {
      // A refused step ends this tender's story, not the town's; it is cleared up at the end.
      if (!(error instanceof RefusedError)) throw error;
      countRefusal(summary, error.code);
    }
  }
}

function countRefusal(summary: SimulationSummary, code: string): void {
  summary.refused.set(code, (summary.refused.get(code) ?? 0) + 1);
}

/** Cancels what is under way, so that no vehicle stays committed to a tender that nobody will ever complete. */
async function clearUp(client: GraphqlClient, open: Set<string>, summary: SimulationSummary): Promise<void> {
  const commands = dispatchCommands(client);
  const turn = inFlight(REQUESTS_IN_FLIGHT);
  const cancel = (tenderId: string) => commands.send('cancelTender', { tenderId, reasonCode: 'OTHER' });
  const cleared = await Promise.allSettled([...open].map((tenderId) => turn(() => cancel(tenderId))));
  summary.cleared = cleared.filter(({ status }) => status === 'fulfilled').length;
}
