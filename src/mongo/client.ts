import { MongoClient, type MongoClientOptions } from 'mongodb';
import { mendClosingSockets } from './closing-sockets.ts';
import { checkUriOptions } from './uri-options.ts';

// The driver's `timeoutMS` does nothing as of 7.8, so each kind of waiting is bounded by its own setting.

/** For TCP and TLS to one server: longer than any healthy network needs, shorter than a caller's patience. */
const CONNECT_TIMEOUT_MS = 5_000;
/**
 * For an answer on an open socket. A server that died without closing it is noticed after this; no operation of ours
 * may be silent for longer (change streams answer every second, rebuilds read in batches).
 */
const SOCKET_TIMEOUT_MS = 60_000;
/**
 * For a server that may take the operation. It must outlast an election (10 s until the primary is missed, and the
 * vote), else every failover becomes errors; it must end before HTTP clients give up (30 s), else nobody hears why.
 */
const SERVER_SELECTION_TIMEOUT_MS = 15_000;
/** For the majority to confirm a write. Then the append loop reads back what became of it. */
const WRITE_CONCERN_TIMEOUT_MS = 10_000;
/** Group commit and gathered reads keep few operations in flight; more sockets only make mongod switch threads. */
const MAX_POOL_SIZE = 50;
/** For a free socket of the pool: waiting longer means the database is far behind, and the caller should know. */
const WAIT_QUEUE_TIMEOUT_MS = 10_000;

/** What an operator may set otherwise in the query part of MONGODB_URI. */
const TUNABLE = {
  appName: 'waybill',
  connectTimeoutMS: CONNECT_TIMEOUT_MS,
  socketTimeoutMS: SOCKET_TIMEOUT_MS,
  serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS,
  waitQueueTimeoutMS: WAIT_QUEUE_TIMEOUT_MS,
  maxPoolSize: MAX_POOL_SIZE,
} as const satisfies MongoClientOptions;

/** What the promises of the log rest on; no URI changes it (uri-options.ts takes it out of there). */
const FIXED = {
  // An acknowledged event survives any failover and power cut. With less, change streams also show it ~50 ms later.
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: WRITE_CONCERN_TIMEOUT_MS },
  // A decision rests only on what cannot be rolled back; the server's default is `local`.
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  retryWrites: true,
  retryReads: true,
  // Off for safety: it would drop an undefined tenant out of a filter, and the filter would match all.
  ignoreUndefined: false,
} as const satisfies MongoClientOptions;

/**
 * Opens a client on any MongoDB, embedded or not; it connects with the first operation.
 * @throws StartupError for an option that Waybill cannot work with; MongoParseError and other errors of the driver for a
 *   text that is no URI
 */
export function createClient(uri: string): MongoClient {
  mendClosingSockets();
  const { uri: checked, named } = checkUriOptions(uri);
  const tuned = Object.entries(TUNABLE).filter(([name]) => !named.has(name.toLowerCase()));
  return new MongoClient(checked, { ...Object.fromEntries(tuned), ...FIXED });
}
