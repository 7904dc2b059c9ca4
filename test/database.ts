import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Db, MongoClient } from 'mongodb';
import { pino } from 'pino';
import { inject } from 'vitest';
import { createClient } from '../src/mongo/client.ts';
import { prepareKey } from '../src/mongo/key.ts';
import { launch, type Mongod } from '../src/mongo/launch.ts';
import { choosePort } from '../src/mongo/port.ts';
import { findBinary } from '../src/mongo/program/binary.ts';

/** A database of one's own on the mongod that all tests share. */
export interface TestDatabase {
  readonly client: MongoClient;
  readonly db: Db;
  /** Of the server; a process under test gets this and `db.databaseName`. */
  readonly uri: string;
  /** Drops the database and closes the client. */
  close(): Promise<void>;
}

/** Opens a fresh, empty database with the client options of the product. */
export async function openDatabase(): Promise<TestDatabase> {
  const uri = inject('mongoUri');
  const client = createClient(uri);
  const db = client.db(`test_${randomBytes(6).toString('hex')}`);
  return {
    client,
    db,
    uri,
    close: async () => {
      await db.dropDatabase();
      await client.close();
    },
  };
}

/** A mongod of one's own, for tests that kill it or set failpoints on it. */
export interface TestMongod {
  /** Holds after `restart` too: the port is kept. */
  readonly uri: string;
  readonly port: number;
  readonly folder: string;
  pid(): number;
  /** Like a power cut; resolves when the process has gone. */
  kill9(): Promise<void>;
  /** Starts it again on the same port and data, as primary; after `kill9` or while it runs. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export interface TestMongodOptions {
  readonly setParameters?: Readonly<Record<string, string | number>>;
  /** True has it ask for a password, as Waybill's own does; `uri` holds that of a user who may do everything. */
  readonly asksPassword?: boolean;
  /** False starts a standalone. */
  readonly replicaSet?: boolean;
}

/** Starts a real mongod in a temporary folder, failpoints enabled; it ends with this process, even if that is killed. */
export async function startMongod(options: TestMongodOptions = {}): Promise<TestMongod> {
  const binary = await findBinary(
    { mongodPath: process.env.WAYBILL_MONGOD },
    pino({ level: 'info' }, pino.destination(2)),
  );
  const folder = await mkdtemp(join(tmpdir(), 'waybill-test-'));
  const release = guardFolder(folder);
  const port = await choosePort();
  const key = options.asksPassword === true ? prepareKey(folder) : undefined;
  const start = () =>
    launch({
      binary: binary.path,
      folder: join(folder, 'data'),
      logFile: join(folder, 'mongod.log'),
      port,
      replicaSet: options.replicaSet === false ? null : 'test',
      cacheGb: 0.25,
      key,
      setParameters: {
        enableTestCommands: 1,
        transactionLifetimeLimitSeconds: 3,
        ...options.setParameters,
      },
    });
  let mongod: Mongod = await start();
  const kill9 = async () => {
    process.kill(mongod.pid, 'SIGKILL');
    await mongod.exited;
  };
  return {
    uri: mongod.uri,
    port,
    folder,
    pid: () => mongod.pid,
    kill9,
    restart: async () => {
      await mongod.stop();
      mongod = await start();
    },
    stop: async () => {
      await mongod.stop();
      await release();
    },
  };
}

/** Ends the watch over a folder, and removes the folder. */
export type Guard = () => Promise<void>;

/**
 * A shell that waits for its stdin to end, which it does when this process has gone for whatever reason; then it kills
 * each mongod that works below the folder, and removes the folder.
 */
export function guardFolder(folder: string): Guard {
  const script =
    'read -r _; for f in "$0"/*/mongod.lock; do [ -s "$f" ] && kill -9 "$(cat "$f")"; done; sleep 1; rm -rf "$0"';
  const guard = spawn('/bin/sh', ['-c', script, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  return async () => {
    await rm(folder, { recursive: true, force: true });
    guard.stdin.end();
  };
}
