import { setMaxListeners } from 'node:events';
import { type GraphqlClient, RequestError } from '../client/graphql-client.ts';
import { inFlight } from '../client/in-flight.ts';
import { seededRandom } from '../client/seeded-random.ts';
import { dispatchCommands, RefusedError } from './dispatch-commands.ts';
import { type MovingOptions, movePositions } from './positions.ts';
import { countRefusal, newSummary, type Summary } from './summary.ts';
import { runTender } from './tender.ts';
import { makeWorld, type World, type WorldOptions } from './world.ts';

// In: a client of a gateway, and how big a fleet in which town. Out: fixes and commands through the public API, until it is
// stopped, and a summary. The same seed gives the same town, and makes the same choices. The files, in the order of reading:
//   world.ts       the town (town.ts), and the fleet that is registered in it (fleet-roster.ts, vehicle.ts)
//   positions.ts   moves all vehicles and sends where they are
//   tender.ts      the life of one tender: carriers.ts finds who takes it, then a vehicle carries it
//                  (dispatch-commands.ts sends each step)
//   summary.ts     what came of it

/** Requests on their way at once, whatever the size of the fleet. */
const REQUESTS_IN_FLIGHT = 16;

export interface SimulationOptions extends WorldOptions, MovingOptions {
  /** Tenders under way at once. */
  readonly tenders: number;
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
): Promise<Summary> {
  const summary = newSummary();
  const open = new Set<string>();
  const turn = inFlight(REQUESTS_IN_FLIGHT);
  const bounded: GraphqlClient = {
    execute: (document, variables, schema) => turn(() => client.execute(document, variables, schema)),
    probe: () => client.probe(),
  };
  // A failure for good in one place ends the others, too.
  const failure = new AbortController();
  const signal = AbortSignal.any([options.signal, failure.signal]);
  // Everybody who waits in town listens to it.
  setMaxListeners(0, signal);
  const world = await makeWorld(bounded, { ...options, signal });
  const parts = [
    movePositions(bounded, world.vehicles, { ...options, signal }, summary),
    ...Array.from({ length: options.tenders }, (_, index) =>
      runTenders(world, index, options.seed, open, summary),
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

/**
 * One tender after the other. What is decided depends on the seed and the index alone, not on the tenders beside them.
 * @param open takes the ids of those that are under way
 */
async function runTenders(
  world: World,
  index: number,
  seed: string,
  open: Set<string>,
  summary: Summary,
): Promise<never> {
  // The word is part of what seeds are made from: with another one, the same seed would tell another story.
  const random = seededRandom(`lane ${seed} ${index}`);
  for (;;) {
    await world.pause(random.between(0, 15));
    let tenderId: string | undefined;
    const onCreated = (id: string): void => {
      tenderId = id;
      open.add(id);
      summary.created += 1;
    };
    try {
      summary[await runTender(world, random, onCreated)] += 1;
      if (tenderId !== undefined) open.delete(tenderId);
    } catch (error) {
      // A refused step ends this tender only; it is cancelled at the end.
      if (!(error instanceof RefusedError)) throw error;
      countRefusal(summary, error.code);
    }
  }
}

/** Cancels what is under way, so that no vehicle stays committed to a tender that nobody will ever complete. */
async function clearUp(client: GraphqlClient, open: Set<string>, summary: Summary): Promise<void> {
  const commands = dispatchCommands(client);
  const turn = inFlight(REQUESTS_IN_FLIGHT);
  const cancel = (tenderId: string) => commands.send('cancelTender', { tenderId, reasonCode: 'OTHER' });
  const cleared = await Promise.allSettled([...open].map((tenderId) => turn(() => cancel(tenderId))));
  summary.cleared = cleared.filter(({ status }) => status === 'fulfilled').length;
}
