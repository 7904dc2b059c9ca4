import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Document, MongoClient, MongoError } from 'mongodb';
import type { Logger } from 'pino';
import { createClient } from '../../mongo/client.ts';
import { type MongodKey, ownUri, prepareKey, systemLogin } from '../../mongo/key.ts';
import { type Mongod, spawnMongod } from '../../mongo/launch.ts';
import type { MongoSettings } from '../../mongo/mongo.ts';
import { keepOwner } from '../../mongo/owner.ts';
import { choosePort, LOOPBACK } from '../../mongo/port.ts';
import { signal } from '../../mongo/processes.ts';
import { findBinary } from '../../mongo/program/binary.ts';
import type { ScratchServer } from '../drill.ts';
import { until } from '../until.ts';

export interface ReplicaSetOptions {
  readonly members: number;
  /** How long a member is missed before the others elect a primary, in ms. */
  readonly electionTimeoutMs: number;
  /** Room for the history of changes, in MB. */
  readonly oplogMb: number;
  /** Between two checkpoints, in s: only what is in one is forgotten, so that a small oplog needs them often. */
  readonly checkpointS?: number;
}

/** A replica set of a drill's own, made to be killed. */
export interface ReplicaSet extends ScratchServer {
  /** Ends the primary like a power cut. @returns its port */
  killPrimary(): Promise<number>;
  /** Starts those that were killed, and waits until all members are healthy again. */
  revive(): Promise<void>;
  /** Starts another replica set of the same kind. */
  another(): Promise<ReplicaSet>;
}

interface Member {
  readonly port: number;
  readonly start: () => Promise<Mongod>;
  mongod: Mongod;
  killed: boolean;
}

const REPLICA_SET = 'drill';
const CACHE_GB = 0.25;
const LIMIT_MS = 120_000;
const ATTEMPT_TIMEOUT_MS = 2_000;
/** MongoDB's `MemberState`. */
const HEALTHY: readonly unknown[] = ['PRIMARY', 'SECONDARY'];

/** Starts mongods, by the program that Waybill finds or downloads, in a temporary folder, and makes them a replica set. */
export async function openReplicaSet(
  settings: MongoSettings,
  options: ReplicaSetOptions,
  log: Logger,
): Promise<ReplicaSet> {
  const { mongodPath, cacheDir } = settings;
  const { members: count, electionTimeoutMs, oplogMb, checkpointS } = options;
  const binary = await findBinary({ mongodPath, cacheDir }, log);
  const folder = await mkdtemp(join(tmpdir(), 'waybill-drill-'));
  const key = prepareKey(folder);
  const members: Member[] = [];
  const endAll = (): void => {
    for (const { mongod } of members) signal(mongod.pid, 'SIGKILL');
  };
  process.once('exit', endAll);
  for (let index = 0; index < count; index++) {
    const port = await choosePort();
    const start = () =>
      spawnMongod({
        binary: binary.path,
        folder: join(folder, String(index)),
        logFile: join(folder, `${index}.log`),
        port,
        replicaSet: REPLICA_SET,
        cacheGb: CACHE_GB,
        oplogMb,
        checkpointS,
        key,
      });
    members.push({ port, start, mongod: await start(), killed: false });
  }
  const hosts = members.map(({ port }) => `${LOOPBACK}:${port}`);
  const uri = ownUri(hosts, REPLICA_SET, key);
  const client = createClient(uri);
  const close = async (): Promise<void> => {
    await client.close();
    endAll();
    await Promise.all(members.map(({ mongod }) => mongod.exited));
    process.off('exit', endAll);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await initiate(hosts, electionTimeoutMs, key);
    await awaitHealth(client, count);
  } catch (error) {
    await close();
    throw error;
  }
  const who = count === 1 ? 'a mongod' : `${count} mongods`;
  return {
    uri,
    client,
    close,
    another: () => openReplicaSet(settings, options, log),
    words: () => `on ${who} ${binary.version} of its own, with an oplog of ${oplogMb} MB`,
    async killPrimary() {
      const { me } = await client.db('admin').command({ hello: 1 });
      const primary = members.find(({ port }) => String(me).endsWith(`:${port}`));
      if (primary === undefined) throw new Error(`${me} is none of the drill's servers.`);
      primary.killed = true;
      signal(primary.mongod.pid, 'SIGKILL');
      await primary.mongod.exited;
      return primary.port;
    },
    async revive() {
      for (const member of members) {
        if (!member.killed) continue;
        member.mongod = await member.start();
        member.killed = false;
      }
      await awaitHealth(client, count);
    },
  };
}

async function initiate(
  hosts: readonly string[],
  electionTimeoutMillis: number,
  key: MongodKey,
): Promise<void> {
  const config = {
    _id: REPLICA_SET,
    members: hosts.map((host, _id) => ({ _id, host })),
    settings: { electionTimeoutMillis },
  };
  // Each of them must listen before one can ask the others.
  for (const host of hosts) await ask(host, { hello: 1 }, key);
  await ask(hosts[0] ?? '', { replSetInitiate: config }, key);
  const system = new MongoClient(ownUri(hosts, REPLICA_SET, undefined), {
    ...systemLogin(key),
    serverSelectionTimeoutMS: LIMIT_MS,
  });
  try {
    await keepOwner(system.db('admin'), key);
  } finally {
    await system.close();
  }
}

/** Asks one server, again until it listens. */
async function ask(host: string, command: Document, key: MongodKey): Promise<void> {
  let failure: unknown;
  const answers = async (): Promise<boolean> => {
    // A client whose first connection failed stays closed for good, hence one for each attempt.
    const client = new MongoClient(`mongodb://${host}/`, {
      directConnection: true,
      ...systemLogin(key),
      serverSelectionTimeoutMS: ATTEMPT_TIMEOUT_MS,
    });
    try {
      await client.db('admin').command(command);
      return true;
    } catch (error) {
      failure = error;
      if (error instanceof MongoError && error.name === 'MongoServerSelectionError') return false;
      throw error;
    } finally {
      await client.close();
    }
  };
  if (!(await until(answers, { limitMs: LIMIT_MS }))) throw failure;
}

/** Waits for a primary, and until every member follows it. */
async function awaitHealth(client: MongoClient, count: number): Promise<void> {
  let failure: unknown;
  const isHealthy = async (): Promise<boolean> => {
    try {
      const status = await client.db('admin').command({ replSetGetStatus: 1 });
      const healthy = status.members.filter((member: Document) => HEALTHY.includes(member.stateStr));
      const primaries = healthy.filter((member: Document) => member.stateStr === 'PRIMARY');
      return healthy.length === count && primaries.length === 1;
    } catch (error) {
      failure = error;
      return false;
    }
  };
  if (!(await until(isHealthy, { limitMs: LIMIT_MS })))
    throw new Error("The drill's servers did not become healthy in time.", { cause: failure });
}
