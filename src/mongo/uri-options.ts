import { StartupError } from './startup-error.ts';

/** What becomes of an option in the query part of MONGODB_URI. */
export type UriOption =
  /** The driver gets it as it is; a number only within its bounds. */
  | { readonly kind: 'taken'; readonly least?: number; readonly most?: number; readonly why?: string }
  /** Waybill sets it itself, whatever the URI says; a URI that says otherwise is told so in the log. */
  | { readonly kind: 'set'; readonly to: readonly string[]; readonly why: string }
  /** It would break something: Waybill does not start with it. `instead` says what to do. */
  | { readonly kind: 'refused'; readonly instead: string };

const TAKEN: UriOption = { kind: 'taken' };

const MAJORITY = 'an acknowledged event survives any failover and power cut';
const COMMITTED = 'a decision rests only on what cannot be rolled back';
const PRIMARY = 'rows and events are read where they were written';
const RETRIED = 'what is in flight during an election is tried again';

/** A time within which something is noticed. 0, which means never, is below all of them. */
function ms(least: number, most: number, why: string): UriOption {
  return { kind: 'taken', least, most, why };
}

/** Changes what documents look like to Waybill: filters, ids and rows would no longer be what it takes them for. */
const SHAPES: UriOption = {
  kind: 'refused',
  instead: 'it changes what documents look like to the whole program: leave it out',
};

/**
 * Every option that a connection string may have, and what Waybill does with it. The table in docs/settings.md is made
 * from this; an option of the driver's that is not listed is refused.
 */
export const URI_OPTIONS: Readonly<Record<string, UriOption>> = {
  appName: TAKEN,
  authMechanism: TAKEN,
  authMechanismProperties: TAKEN,
  authSource: TAKEN,
  replicaSet: TAKEN,
  srvMaxHosts: TAKEN,
  srvServiceName: TAKEN,
  loadBalanced: TAKEN,
  tls: TAKEN,
  ssl: TAKEN,
  tlsAllowInvalidCertificates: TAKEN,
  tlsAllowInvalidHostnames: TAKEN,
  tlsCAFile: TAKEN,
  tlsCRLFile: TAKEN,
  tlsCertificateKeyFile: TAKEN,
  tlsCertificateKeyFilePassword: TAKEN,
  tlsInsecure: TAKEN,
  proxyHost: TAKEN,
  proxyPort: TAKEN,
  proxyUsername: TAKEN,
  proxyPassword: TAKEN,
  compressors: TAKEN,
  zlibCompressionLevel: TAKEN,
  serverMonitoringMode: TAKEN,
  monitorCommands: TAKEN,
  minPoolSize: TAKEN,
  maxConnecting: TAKEN,
  localThresholdMS: TAKEN,
  // Only on a replica set of one member, which is found out once it is connected to: see check.ts.
  directConnection: TAKEN,
  maxPoolSize: {
    kind: 'taken',
    least: 5,
    most: 1_000,
    why: 'each change stream keeps a connection for itself',
  },
  connectTimeoutMS: ms(100, 60_000, 'how long a server that does not answer may take'),
  socketTimeoutMS: ms(5_000, 600_000, 'a change stream is silent for a second, a large read for longer'),
  serverSelectionTimeoutMS: ms(100, 120_000, 'how long an election may take before requests fail'),
  waitQueueTimeoutMS: ms(100, 120_000, 'how long a request may wait for a connection'),
  heartbeatFrequencyMS: ms(500, 60_000, 'how soon a lost primary is noticed'),
  minHeartbeatFrequencyMS: ms(50, 60_000, 'how soon a lost primary is noticed'),
  maxIdleTimeMS: ms(1_000, 86_400_000, 'a connection has to outlast the pause between two requests'),

  w: { kind: 'set', to: ['majority'], why: MAJORITY },
  journal: { kind: 'set', to: ['true'], why: MAJORITY },
  j: { kind: 'set', to: ['true'], why: MAJORITY },
  fsync: { kind: 'set', to: ['true'], why: MAJORITY },
  wtimeoutMS: { kind: 'set', to: [], why: 'what became of a write is read back after 10 s' },
  wtimeout: { kind: 'set', to: [], why: 'what became of a write is read back after 10 s' },
  readConcernLevel: { kind: 'set', to: ['majority'], why: COMMITTED },
  readPreference: { kind: 'set', to: ['primary'], why: PRIMARY },
  readPreferenceTags: { kind: 'set', to: [], why: PRIMARY },
  maxStalenessSeconds: { kind: 'set', to: ['-1'], why: PRIMARY },
  retryWrites: { kind: 'set', to: ['true'], why: RETRIED },
  retryReads: { kind: 'set', to: ['true'], why: RETRIED },

  timeoutMS: {
    kind: 'refused',
    instead: 'it would end change streams and rebuilds that are at work: set socketTimeoutMS instead',
  },
  ignoreUndefined: {
    kind: 'refused',
    instead: 'a filter without its tenant would match every tenant: leave it out',
  },
  bsonRegExp: SHAPES,
  checkKeys: SHAPES,
  enableUtf8Validation: SHAPES,
  fieldsAsRaw: SHAPES,
  forceServerObjectId: SHAPES,
  pkFactory: SHAPES,
  promoteBuffers: SHAPES,
  promoteLongs: SHAPES,
  promoteValues: SHAPES,
  raw: SHAPES,
  serializeFunctions: SHAPES,
  useBigInt64: SHAPES,
};

const BY_NAME = new Map(
  Object.entries(URI_OPTIONS).map(([name, option]) => [name.toLowerCase(), { name, option }]),
);

/** A connection string whose options have been looked at. */
export interface CheckedUri {
  /** For the driver: without what Waybill sets itself. */
  readonly uri: string;
  /** The options that it has, in lower case. */
  readonly named: ReadonlySet<string>;
  /** A sentence about each option that says otherwise than what Waybill sets. */
  readonly overridden: readonly string[];
}

/**
 * Looks at each option of a connection string.
 * @throws StartupError for the first one with which Waybill cannot keep its promises, by its name
 */
export function checkUriOptions(uri: string): CheckedUri {
  const [address = '', query] = splitOnce(uri);
  if (query === undefined) return { uri, named: new Set(), overridden: [] };
  const kept: string[] = [];
  const named = new Set<string>();
  const overridden = new Set<string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const [rawName = '', value = ''] = splitAt(pair, '=');
    const { name, option } = optionOf(rawName);
    named.add(name.toLowerCase());
    if (option.kind === 'refused') throw refusal(name, option.instead);
    if (option.kind === 'taken') {
      checkBounds(name, decoded(value), option);
      kept.push(pair);
    } else if (!option.to.includes(decoded(value).toLowerCase())) overridden.add(sentenceOf(name, option));
  }
  return {
    uri: kept.length === 0 ? address : `${address}?${kept.join('&')}`,
    named,
    overridden: [...overridden],
  };
}

function optionOf(rawName: string): { readonly name: string; readonly option: UriOption } {
  const name = decoded(rawName);
  const known = BY_NAME.get(name.toLowerCase());
  if (known !== undefined) return known;
  throw refusal(name, 'Waybill does not know it: leave it out');
}

function checkBounds(
  name: string,
  value: string,
  { least, most, why }: Extract<UriOption, { kind: 'taken' }>,
): void {
  if (least === undefined || most === undefined) return;
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most))
    throw new StartupError(`MONGODB_URI: ${name} must be a whole number from ${least} to ${most} (${why}).`);
}

function sentenceOf(name: string, { to, why }: Extract<UriOption, { kind: 'set' }>): string {
  const instead = to[0] === undefined || to[0] === '-1' ? 'is not used' : `is always ${to[0]} here`;
  return `MONGODB_URI: ${name} ${instead}, so that ${why}.`;
}

function refusal(name: string, instead: string): StartupError {
  return new StartupError(`MONGODB_URI has the option ${name.slice(0, 100)}: ${instead}.`);
}

function splitOnce(uri: string): [string, string?] {
  return splitAt(uri, '?');
}

function splitAt(text: string, mark: string): [string, string?] {
  const at = text.indexOf(mark);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** As the driver reads it; what is not encoded as it should be is left to the driver to complain about. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
