import { setTimeout as pause } from 'node:timers/promises';
import { type Db, type Document, MongoClient, MongoServerError } from 'mongodb';
import { type MongodKey, systemLogin } from './key.ts';
import { keepOwner } from './owner.ts';
import { StartupError } from './startup-error.ts';

const CHECK_EVERY_MS = 30;
/** For one attempt to reach a server that may not listen yet. */
const ATTEMPT_TIMEOUT_MS = 2_000;
/** Initiating writes a first oplog; on a busy disk that takes seconds. */
const ANSWER_TIMEOUT_MS = 20_000;

/** MongoDB's error codes (`error_codes.yml`). */
const NOT_YET_INITIALIZED = 94;
const ALREADY_INITIALIZED = 23;

export interface Candidate {
  /** `127.0.0.1:27117`: how the one member is to be known. */
  readonly host: string;
  /** Name of the set; null if this is a standalone, which only has to answer. */
  readonly replicaSet: string | null;
  /** Its key, where it asks for one: the user that Waybill works as is then kept, too. */
  readonly key?: MongodKey | undefined;
  /** The process that has to answer there; another one on that port is not ours. */
  readonly pid: number;
  readonly signal: AbortSignal;
}

/**
 * Makes a fresh or restarted mongod the primary of a set of one, whatever it was before: initiates a new set, or tells
 * an old one its new address. Resolves when it takes writes; rejects when the signal says so.
 */
export async function becomePrimary(candidate: Candidate): Promise<void> {
  let last: unknown;
  while (!candidate.signal.aborted) {
    // A client whose first connection failed stays closed for good, hence one for each attempt.
    const client = new MongoClient(`mongodb://${candidate.host}/`, {
      directConnection: true,
      serverSelectionTimeoutMS: ATTEMPT_TIMEOUT_MS,
      connectTimeoutMS: ATTEMPT_TIMEOUT_MS,
      socketTimeoutMS: ANSWER_TIMEOUT_MS,
      maxPoolSize: 1,
      ...(candidate.key === undefined ? {} : systemLogin(candidate.key)),
    });
    try {
      await client.connect();
      while (!candidate.signal.aborted) {
        if (await step(client.db('admin'), candidate)) return;
        await pause(CHECK_EVERY_MS);
      }
    } catch (error) {
      // It may not listen yet, be starting up or between two states: this is tried again until the signal ends it.
      last = error;
    } finally {
      await client.close();
    }
    await pause(CHECK_EVERY_MS);
  }
  throw new StartupError(`mongod on ${candidate.host} did not become ready in time.`, { cause: last });
}

/** Checks once and does what is missing; true when all is done. */
async function step(admin: Db, { host, replicaSet, key, pid }: Candidate): Promise<boolean> {
  const hello = await admin.command({ hello: 1 });
  if (replicaSet === null) return isOurs(admin, pid);
  if (hello.isWritablePrimary === true && hello.me === host) {
    if (!(await isOurs(admin, pid))) return false;
    if (key !== undefined) await keepOwner(admin, key);
    return true;
  }
  const config = await readConfig(admin);
  if (config === undefined) await initiate(admin, replicaSet, host);
  else if (config.members[0]?.host !== host || config.members.length !== 1) await move(admin, config, host);
  return false;
}

async function isOurs(admin: Db, pid: number): Promise<boolean> {
  const status = await admin.command({ serverStatus: 1, repl: 0, metrics: 0, locks: 0 });
  return Number(status.pid) === pid;
}

interface Config extends Document {
  version: number;
  members: { _id: number; host: string }[];
}

async function readConfig(admin: Db): Promise<Config | undefined> {
  try {
    const { config } = await admin.command({ replSetGetConfig: 1 });
    return config;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === NOT_YET_INITIALIZED) return undefined;
    throw error;
  }
}

async function initiate(admin: Db, name: string, host: string): Promise<void> {
  try {
    await admin.command({ replSetInitiate: { _id: name, members: [{ _id: 0, host }] } });
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === ALREADY_INITIALIZED)) throw error;
  }
}

/** After a change of port the one member does not find itself in its configuration: this has to be forced. */
async function move(admin: Db, config: Config, host: string): Promise<void> {
  const [member] = config.members;
  const moved = {
    ...config,
    version: config.version + 1,
    members: [{ ...member, _id: member?._id ?? 0, host }],
  };
  await admin.command({ replSetReconfig: moved, force: true });
}
