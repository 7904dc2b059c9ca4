import { randomBytes } from 'node:crypto';
import type { Db, MongoClient } from 'mongodb';
import { signToken } from '../../src/access/token.ts';
import type { Mongo } from '../../src/mongo/mongo.ts';
import type { Told } from './bare-process.ts';
import { CREATE_TENDER, OFFER_TENDER, REGISTER_VEHICLE } from './documents.ts';
import { closedLoop } from './measure.ts';
import { bodyOf, openRequests, type Requests } from './requests.ts';
import { type ServerProcess, startProcess } from './server-process.ts';

/** One of the two servers, and the way to it. */
export interface Door {
  readonly url: string;
  readonly requests: Requests;
}

/** A gateway and bare Yoga, each in a process of its own, and the gateway's database. */
export interface Stage {
  readonly client: MongoClient;
  readonly db: Db;
  readonly gateway: Door & { memory(): Promise<NodeJS.MemoryUsage> };
  readonly bare: Door & { tell(told: Told): Promise<void> };
  /** Of a dispatcher. */
  readonly token: string;
  close(): Promise<void>;
}

/** What a gateway needs to serve a bench on a database, and the token of a dispatcher for it. */
export async function gatewaySettings(mongo: Mongo, database: string) {
  const secret = randomBytes(32).toString('hex');
  const claims = { sub: 'bench', tenant: 'demo', role: 'dispatcher' } as const;
  const token = await signToken({ kind: 'secret', secret }, claims, 86_400);
  const settings = {
    PORT: '0',
    MONGODB_URI: mongo.uri,
    WAYBILL_DATABASE: database,
    WAYBILL_JWT_SECRET: secret,
    WAYBILL_MAX_SOCKETS_PER_TENANT: '100000',
    WAYBILL_MAX_SOCKETS_PER_CALLER: '100000',
    WAYBILL_MAX_HELD_BYTES_PER_CALLER: '1000000000',
    WAYBILL_MAX_HELD_BYTES_PER_TENANT: '1000000000',
  };
  return { settings, token };
}

/** Starts both servers; the gateway's database is one of its own, named for the suite. */
export async function openStage(mongo: Mongo, name: string, profileDir?: string): Promise<Stage> {
  const database = `bench_${name.replaceAll('-', '_')}`;
  const { settings, token } = await gatewaySettings(mongo, database);
  const processes: ServerProcess[] = [];
  const doors: Requests[] = [];
  const open = async (module: string, message: unknown, profile?: string) => {
    const server = await startProcess(module, message, profile);
    processes.push(server);
    const requests = openRequests(server.url, token);
    doors.push(requests);
    return { url: server.url, requests, tell: server.tell, memory: server.memory };
  };
  return {
    client: mongo.client,
    db: mongo.client.db(database),
    gateway: await open('gateway-process', settings, profileDir),
    bare: await open('bare-process', {}),
    token,
    close: async () => {
      for (const requests of doors) requests.close();
      await Promise.all(processes.map((server) => server.close()));
    },
  };
}

/** Registers so many vehicles. @returns their ids */
export function registerVehicles({ gateway }: Stage, count: number): Promise<string[]> {
  return makeMany(count, async (index) => {
    const input = { licensePlate: `BENCH ${index}`, fleetId: `fleet-${index % 5}` };
    return idIn(await gateway.requests.post(bodyOf(REGISTER_VEHICLE, { input })), 'vehicle');
  });
}

/** Creates so many tenders, each offered to three carriers. @returns their ids */
export function createTenders({ gateway }: Stage, count: number): Promise<string[]> {
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  const stops = [
    { kind: 'PICKUP', name: 'Austin', longitude: -97.7431, latitude: 30.2672 },
    { kind: 'DELIVERY', name: 'Dallas', longitude: -96.797, latitude: 32.7767 },
  ];
  return makeMany(count, async (index) => {
    const input = { reference: `LOAD-${index}`, fleetId: `fleet-${index % 5}`, stops };
    const id = idIn(await gateway.requests.post(bodyOf(CREATE_TENDER, { input })), 'tender');
    for (const carrierId of ['blue', 'green', 'red']) {
      const offer = { tenderId: id, carrierId, expiresAt };
      await gateway.requests.post(bodyOf(OFFER_TENDER, { input: offer }));
    }
    return id;
  });
}

async function makeMany(count: number, make: (index: number) => Promise<string>): Promise<string[]> {
  const ids: string[] = [];
  await closedLoop(count, 16, async (index) => {
    ids[index] = await make(index);
  });
  return ids;
}

/** The global id of the first vehicle or tender that an answer tells of. */
export function idIn(answer: string, kind: string): string {
  const [, id] = new RegExp(`"(${kind}_[0-9a-f-]{36})"`).exec(answer) ?? [];
  if (id === undefined) throw new Error(`No ${kind} was made: ${answer}`);
  return id;
}
