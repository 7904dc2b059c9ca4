import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type GraphqlClient, graphqlClient } from '../../client/graphql-client.ts';
import { isRepeatable } from '../../client/repeatable.ts';
import { newId } from '../../eventstore/ids.ts';
import type { DrillReport } from '../report.ts';

/** Clients that send commands through the public API, each for a tender and a vehicle of its own. */
export interface CommandClients {
  /** Ids of the events that were acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
  /** How long the slowest answer took, in ms. */
  readonly longestMs: number;
  /** Sends no more; resolves when every command is answered. */
  stop(): Promise<void>;
}

export interface CommandClientsOptions {
  readonly url: string;
  readonly token: string;
  /** Clients, and commands a second of all together. */
  readonly clients: number;
  readonly perSecond: number;
  readonly report: DrillReport;
}

/** How long a client sends the same command again, in ms. */
const LIMIT_MS = 60_000;
const AGAIN_MS = 100;

const answer = z.object({
  result: z.object({
    code: z.string().optional(),
    events: z.array(z.object({ id: z.string() })).optional(),
    tender: z.object({ id: z.string() }).optional(),
  }),
});
type Answer = z.infer<typeof answer>['result'];

const documentOf = (mutation: string, kind: 'Tender' | 'Vehicle'): string =>
  `mutation ($input: ${mutation[0]?.toUpperCase()}${mutation.slice(1)}Input!) { result: ${mutation}(input: $input) {
    ... on ${kind}Payload { events { id } ${kind === 'Tender' ? 'tender { id }' : ''} } ... on Refusal { code } } }`;
const CREATE = documentOf('createTender', 'Tender');
const AMEND = documentOf('amendTender', 'Tender');
const REGISTER = documentOf('registerVehicle', 'Vehicle');
const TRACK = documentOf('trackLocation', 'Vehicle');

const STOPS = [
  { kind: 'PICKUP', name: 'Mill Road 7', longitude: -97.7431, latitude: 30.2672 },
  { kind: 'DELIVERY', name: 'Harbour Street 2', longitude: -97.7209, latitude: 30.2849 },
];

/** Starts them. Each waits for the answer to one command before it sends the next, and repeats it until there is one. */
export function startCommandClients(options: CommandClientsOptions): CommandClients {
  const { url, token, clients, perSecond, report } = options;
  const api: GraphqlClient = graphqlClient({ url, token, patienceMs: LIMIT_MS });
  const acknowledged = new Set<string>();
  let [longestMs, stopped] = [0, false];

  const command = async (document: string, fields: object): Promise<Answer> => {
    const input = { ...fields, idempotencyKey: newId() };
    const sentAt = performance.now();
    for (;;) {
      const { result } = await api.execute(document, { input }, answer);
      const { code, events = [] } = result;
      const waitedMs = performance.now() - sentAt;
      longestMs = Math.max(longestMs, waitedMs);
      for (const { id } of events) acknowledged.add(id);
      if (code === undefined) return result;
      if (!isRepeatable(code) || waitedMs > LIMIT_MS) throw new Error(`it was refused (${code})`);
      await pause(AGAIN_MS);
    }
  };

  const work = async (index: number): Promise<void> => {
    const licensePlate = `DRILL-${index}`;
    const { tender } = await command(CREATE, { stops: STOPS });
    await command(REGISTER, { licensePlate });
    const everyMs = (1_000 * clients) / perSecond;
    for (let n = 1, dueAt = performance.now(); !stopped; n++) {
      if (n % 2 === 0) await command(AMEND, { tenderId: tender?.id, weightKg: n });
      else await command(TRACK, { licensePlate, longitude: -97 + n / 10_000, latitude: 30 });
      // Commands that were due while nobody answered are left out.
      const now = performance.now();
      dueAt = Math.max(dueAt + everyMs, now);
      await pause(dueAt - now);
    }
  };

  const working = Promise.all(
    Array.from({ length: clients }, (_, index) =>
      work(index).catch((error: unknown) => report.problem(`a command failed: ${String(error)}.`)),
    ),
  );
  return {
    acknowledged,
    get longestMs() {
      return longestMs;
    },
    async stop() {
      stopped = true;
      await working;
    },
  };
}
