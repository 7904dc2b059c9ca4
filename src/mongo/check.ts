import { type Document, type MongoClient, MongoCompatibilityError, MongoServerError } from 'mongodb';
import { StartupError } from './startup-error.ts';
import { isRecentEnough, MINIMUM_VERSION } from './version.ts';

/** What kind of MongoDB answers. */
export interface Server {
  readonly version: string;
  readonly topology: 'replica set' | 'sharded cluster';
}

/**
 * Asks the server what it is.
 * @throws StartupError, a sentence for the operator, if it cannot be reached, does not let us in, is too old, or is a
 * standalone server (no change streams, no transactions)
 */
export async function checkServer(client: MongoClient, uri: string): Promise<Server> {
  try {
    // Connecting comes first, by itself: of several operations that wait for a failing connection, only one learns why.
    await client.connect();
    const admin = client.db('admin');
    const hello = await admin.command({ hello: 1 });
    const buildInfo = await admin.command({ buildInfo: 1 });
    if (client.options.directConnection) refuseTied(hello, uri);
    return judge(hello, buildInfo, uri);
  } catch (error) {
    throw error instanceof StartupError ? error : explainConnection(error, uri);
  }
}

/** @throws StartupError where the connection is tied to one of several members: after an election it would take no writes */
function refuseTied({ hosts }: Document, uri: string): void {
  if (!Array.isArray(hosts) || hosts.length < 2) return;
  throw new StartupError(
    `MONGODB_URI has the option directConnection: it ties Waybill to one of the ${hosts.length} members of ` +
      `${redact(uri)}, which may be none that takes writes. Leave it out.`,
  );
}

function judge(hello: Document, buildInfo: Document, uri: string): Server {
  const version = String(buildInfo.version);
  if (!isRecentEnough(version)) {
    throw new StartupError(
      `The server at ${redact(uri)} is MongoDB ${version}; Waybill needs ${MINIMUM_VERSION} or newer.`,
    );
  }
  if (hello.msg === 'isdbgrid') return { version, topology: 'sharded cluster' };
  if (typeof hello.setName === 'string') return { version, topology: 'replica set' };
  throw new StartupError(
    `The server at ${redact(uri)} is a standalone mongod. Waybill needs a replica set or a sharded cluster, for ` +
      'transactions and change streams: start it with --replSet and run rs.initiate() once.',
  );
}

/** MongoDB's error codes (`error_codes.yml`) for "you may not come in". */
const UNAUTHORIZED = 13;
const AUTHENTICATION_FAILED = 18;
/** Atlas' own. */
const ATLAS_ERROR = 8000;

/** Says what is wrong with a connection string that the driver did not take. */
export function explainUri(error: unknown): StartupError {
  return new StartupError(`MONGODB_URI is no valid connection string: ${redact(messageOf(error))}`);
}

/** Turns the driver's error into a sentence for the operator; the URI's password is left out of it. */
function explainConnection(error: unknown, uri: string): StartupError {
  const shown = redact(uri);
  const message = redact(messageOf(error));
  const chain = causes(error);
  if (chain.some((one) => one instanceof MongoCompatibilityError)) {
    return new StartupError(
      `The server at ${shown} is too old; Waybill needs MongoDB ${MINIMUM_VERSION} or newer. (${message})`,
    );
  }
  const refused = chain.find((one) => one instanceof MongoServerError);
  if (refused?.code === AUTHENTICATION_FAILED || refused?.code === ATLAS_ERROR) {
    return new StartupError(`MongoDB at ${shown} refused the user name or password of MONGODB_URI.`);
  }
  if (refused?.code === UNAUTHORIZED) {
    return new StartupError(
      `MongoDB at ${shown} wants a user name and password, or this user has no rights there.`,
    );
  }
  return new StartupError(`MongoDB at ${shown} cannot be reached: ${message}`);
}

/** The error's message; where that is empty (several addresses were tried) the message of its cause. */
function messageOf(error: unknown): string {
  for (const one of causes(error)) {
    if (one instanceof AggregateError && one.message === '') return one.errors.map(messageOf).join('; ');
    if (one instanceof Error && one.message !== '') return one.message;
  }
  return String(error);
}

/** An error and all that it was caused by, as the driver links them. */
function causes(error: unknown): unknown[] {
  const found: unknown[] = [];
  for (let one = error; one instanceof Error && !found.includes(one); one = one.cause) {
    found.push(one);
    // A server selection error keeps what each server said in the description of the topology.
    if ('reason' in one && one.reason instanceof Object && 'servers' in one.reason) {
      const { servers } = one.reason;
      if (servers instanceof Map) {
        for (const server of servers.values()) if (server?.error) found.push(...causes(server.error));
      }
    }
  }
  return found;
}

/** A text without the credentials of the connection strings in it. */
export function redact(text: string): string {
  return text.replace(/(mongodb(?:\+srv)?:\/\/)[^@/\s]*@/g, '$1***@');
}
