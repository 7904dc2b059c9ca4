import { isIPv4, isIPv6 } from 'node:net';
import { JWKS_ALGORITHMS, MIN_SECRET_BYTES, type TokenPolicy } from '../access/token.ts';
import { SNAPSHOT_EVERY } from '../eventstore/time/snapshots.ts';
import { defaultCacheDir } from '../mongo/cache.ts';
import type { MongoSettings } from '../mongo/mongo.ts';
import { StartupError } from '../mongo/startup-error.ts';
import { LOG_LEVELS } from './log.ts';
import {
  choice,
  choices,
  integer,
  matching,
  origins,
  type Setting,
  SettingError,
  text,
  url,
  type Values,
  type Variables,
} from './setting.ts';

/** What one process does; together they do everything, any number of each on one database. */
export const PROCESS_ROLES = ['all', 'gateway', 'projector'] as const;

/** Every setting of the gateway: `--help`, the README's table and the checks are all made from this list. */
export const SETTINGS = {
  role: choice(PROCESS_ROLES, {
    name: 'WAYBILL_ROLE',
    fallback: 'all',
    doc: 'What this process does: `gateway` answers GraphQL, `projector` folds read models and runs timers, `all` does both.',
  }),
  port: integer(0, 65_535, {
    name: 'PORT',
    fallback: '4000',
    doc: 'Port to listen on; 0 takes a free one.',
  }),
  host: text({
    name: 'HOST',
    fallback: '127.0.0.1',
    doc: 'Address to listen on; `0.0.0.0` for all. In development mode a loopback address only.',
  }),
  logLevel: choice(LOG_LEVELS, {
    name: 'LOG_LEVEL',
    fallback: 'info',
    doc: 'The least important lines that are logged.',
  }),

  mongodbUri: matching(/^mongodb(\+srv)?:\/\/./, 'must begin with mongodb:// or mongodb+srv://', {
    name: 'MONGODB_URI',
    doc: 'A replica set or sharded cluster, MongoDB 6.0 or newer. Not set: Waybill runs its own mongod.',
  }),
  mongod: text({
    name: 'WAYBILL_MONGOD',
    doc: 'The mongod program to run. Not set: the one on the PATH, or one that is downloaded.',
  }),
  cacheDir: text({
    name: 'WAYBILL_CACHE',
    doc: 'Folder for a downloaded mongod. Not set: `waybill` in the XDG cache folder, or in ~/.cache.',
  }),
  xdgCacheHome: text({
    name: 'XDG_CACHE_HOME',
    doc: "The user's cache folder, by the XDG base directory specification.",
  }),
  dataDir: text({
    name: 'WAYBILL_DATA',
    fallback: '.waybill',
    doc: "Folder of the own mongod's data and of the development secret.",
  }),
  database: matching(/^[A-Za-z0-9_-]{1,63}$/, 'must be 1 to 63 letters, digits, dashes or underscores', {
    name: 'WAYBILL_DATABASE',
    fallback: 'waybill',
    doc: 'Name of the database.',
  }),

  jwtSecret: text({
    name: 'WAYBILL_JWT_SECRET',
    doc: `Shared secret that signs tokens (HS256), at least ${MIN_SECRET_BYTES} bytes.`,
  }),
  jwksUrl: url(['https:', 'http:'], {
    name: 'WAYBILL_JWKS_URL',
    doc: "The identity provider's key set (RFC 7517), instead of a secret.",
  }),
  jwtAlgorithms: choices(JWKS_ALGORITHMS, {
    name: 'WAYBILL_JWT_ALGORITHMS',
    fallback: 'RS256,ES256',
    doc: 'Signing algorithms that are accepted with a key set.',
  }),
  jwtIssuer: text({ name: 'WAYBILL_JWT_ISSUER', doc: 'What `iss` must be. Not set: not looked at.' }),
  jwtAudience: text({
    name: 'WAYBILL_JWT_AUDIENCE',
    doc: 'What `aud` must contain. Not set: not looked at.',
  }),

  allowedOrigins: origins({
    name: 'WAYBILL_ALLOWED_ORIGINS',
    doc: "Web pages of other hosts that may call, between commas: `https://app.example`. In development mode this machine's may.",
  }),

  maxBodyBytes: integer(1_024, 16_777_216, {
    name: 'WAYBILL_MAX_BODY_BYTES',
    unit: 'B',
    fallback: '2097152',
    doc: 'Largest HTTP request.',
  }),
  maxCommandsInHand: integer(1, 1_000_000, {
    name: 'WAYBILL_MAX_COMMANDS_IN_HAND',
    unit: 'commands',
    fallback: '10000',
    doc: 'Commands that this process takes on at once, each fix of a batch being one; more are `OVERLOADED` (503).',
  }),
  maxRequestBytesInHand: integer(65_536, 4_294_967_296, {
    name: 'WAYBILL_MAX_REQUEST_BYTES_IN_HAND',
    unit: 'B',
    fallback: '67108864',
    doc: 'Bytes of requests that are being answered at once; more are `OVERLOADED` (503).',
  }),
  maxMessageBytes: integer(1_024, 16_777_216, {
    name: 'WAYBILL_MAX_MESSAGE_BYTES',
    unit: 'B',
    fallback: '2097152',
    doc: 'Largest message on a socket.',
  }),
  maxSocketsPerTenant: integer(1, 1_000_000, {
    name: 'WAYBILL_MAX_SOCKETS_PER_TENANT',
    unit: 'sockets',
    fallback: '1000',
    doc: 'Sockets that one tenant may hold open on this process.',
  }),
  maxSubscriptionsPerSocket: integer(1, 10_000, {
    name: 'WAYBILL_MAX_SUBSCRIPTIONS_PER_SOCKET',
    unit: 'subscriptions',
    fallback: '50',
    doc: 'Subscriptions that may run at once on one socket.',
  }),
  initTimeoutSeconds: integer(1, 60, {
    name: 'WAYBILL_INIT_TIMEOUT_SECONDS',
    unit: 's',
    fallback: '5',
    doc: 'How long a socket may take from opening to `connection_init`, before it is closed (4408).',
  }),
  idleSocketSeconds: integer(1, 86_400, {
    name: 'WAYBILL_IDLE_SOCKET_SECONDS',
    unit: 's',
    fallback: '600',
    doc: 'How long a socket may be without any operation, before it is closed (4410).',
  }),
  maxQueuedChanges: integer(1, 1_000_000, {
    name: 'WAYBILL_MAX_QUEUED_CHANGES',
    unit: 'changes',
    fallback: '10000',
    doc: 'Changes that may wait for one subscriber; a slower one is closed (4408).',
  }),
  maxQueuedBytes: integer(65_536, 1_073_741_824, {
    name: 'WAYBILL_MAX_QUEUED_BYTES',
    unit: 'B',
    fallback: '16777216',
    doc: 'The same in bytes.',
  }),
  stalledSeconds: integer(1, 3_600, {
    name: 'WAYBILL_STALLED_SECONDS',
    unit: 's',
    fallback: '30',
    doc: 'How long a change may wait for a subscriber that reads nothing at all, before it is closed (4408).',
  }),
  maxSocketBufferBytes: integer(65_536, 268_435_456, {
    name: 'WAYBILL_MAX_SOCKET_BUFFER_BYTES',
    unit: 'B',
    fallback: '4194304',
    doc: 'Bytes that may wait in one socket; a slower reader is closed (4408).',
  }),
  maxSharedBytes: integer(1_048_576, 4_294_967_296, {
    name: 'WAYBILL_MAX_SHARED_BYTES',
    unit: 'B',
    fallback: '33554432',
    doc: 'Results that are kept for further subscribers who are shown the same; beyond it they are made again.',
  }),
  maxHistoryBytes: integer(0, 4_294_967_296, {
    name: 'WAYBILL_MAX_HISTORY_BYTES',
    unit: 'B',
    fallback: '67108864',
    doc: 'Changes kept for subscribers who resume, of read models and of the log each; older ones are read from the oplog, as many at most.',
  }),
  maxLagSeconds: integer(1, 86_400, {
    name: 'WAYBILL_MAX_LAG_SECONDS',
    unit: 's',
    fallback: '30',
    doc: 'How far a read model or a change stream may be behind the log before `/health/ready` says 503.',
  }),
  snapshotEvery: integer(0, 100_000, {
    name: 'WAYBILL_SNAPSHOT_EVERY',
    unit: 'events',
    fallback: String(SNAPSHOT_EVERY),
    doc: 'How often the fold of a stream is written down, so that nobody has to read it from its beginning; 0 for never.',
  }),
  verifyHours: integer(0, 8_760, {
    name: 'WAYBILL_VERIFY_HOURS',
    unit: 'h',
    fallback: '24',
    doc: 'How long after a verification of a read model against the log the next one begins, in one gateway of all; 0 for never.',
  }),
  verifyEventsPerSecond: integer(1, 1_000_000, {
    name: 'WAYBILL_VERIFY_EVENTS_PER_SECOND',
    unit: 'events/s',
    fallback: '2000',
    doc: 'How fast that verification reads the log, at most.',
  }),
  heartbeatSeconds: integer(1, 3_600, {
    name: 'WAYBILL_HEARTBEAT_SECONDS',
    unit: 's',
    fallback: '15',
    doc: 'How often an idle subscription gets a heartbeat, and a socket a ping.',
  }),
  drainSeconds: integer(0, 3_600, {
    name: 'WAYBILL_DRAIN_SECONDS',
    unit: 's',
    fallback: '10',
    doc: 'How long a stop may take: subscribers are sent elsewhere one after the other, then requests under way are answered.',
  }),
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

/** What the environment says, checked. */
export type Settings = Values<typeof SETTINGS>;

/** Settings whose value is never repeated in a message. */
const SECRET_NAMES: ReadonlySet<string> = new Set([SETTINGS.jwtSecret.name, SETTINGS.mongodbUri.name]);

/**
 * Reads all settings. An empty variable counts as not set.
 * @throws StartupError with one sentence for the operator, about the first setting that is wrong
 */
export function readSettings(variables: Variables): Settings {
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(SETTINGS)) values[key] = settingOf(setting, variables);
  const settings = values as Settings;
  checkAccess(settings);
  return settings;
}

function settingOf(setting: Setting<unknown>, variables: Variables): unknown {
  const text = variables[setting.name] || setting.fallback;
  if (text === undefined) return undefined;
  try {
    return setting.read(text);
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    const shown = SECRET_NAMES.has(setting.name) ? '' : `, not "${text}"`;
    throw new StartupError(`${setting.name} ${error.message}${shown}.`);
  }
}

/** What concerns more than one setting. */
function checkAccess(settings: Settings): void {
  const { jwtSecret, jwksUrl, host, role } = settings;
  if (jwtSecret !== undefined && jwksUrl !== undefined)
    throw new StartupError(
      'Set WAYBILL_JWT_SECRET or WAYBILL_JWKS_URL, not both: a token has one kind of proof.',
    );
  if (jwtSecret !== undefined && Buffer.byteLength(jwtSecret) < MIN_SECRET_BYTES)
    throw new StartupError(
      `WAYBILL_JWT_SECRET must be at least ${MIN_SECRET_BYTES} bytes long (RFC 7518); \`openssl rand -base64 32\` makes a good one.`,
    );
  // A projector answers no GraphQL.
  if (isDevelopment(settings) && role !== 'projector' && !isLoopback(host))
    throw new StartupError(
      `HOST=${host} can be reached by others, but nothing says who may call: set WAYBILL_JWT_SECRET or WAYBILL_JWKS_URL, or leave HOST at 127.0.0.1.`,
    );
}

/** Development mode: nothing is configured to prove tokens by, so a secret is made and kept in the data folder. */
export function isDevelopment(settings: Settings): boolean {
  return settings.jwtSecret === undefined && settings.jwksUrl === undefined;
}

/** Whether only this machine can reach an address: `localhost`, 127.0.0.0/8, ::1. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  if (isIPv6(host)) return /^(0*:)*0*1$/.test(host);
  return host.toLowerCase() === 'localhost';
}

/**
 * How tokens are proved.
 * @param developmentSecret gives the secret of development mode; asked only where it is needed
 */
export async function tokenPolicyOf(
  settings: Settings,
  developmentSecret: () => Promise<string>,
): Promise<TokenPolicy> {
  const { jwtSecret, jwksUrl, jwtAlgorithms, jwtIssuer, jwtAudience } = settings;
  const asked = {
    ...(jwtIssuer === undefined ? {} : { issuer: jwtIssuer }),
    ...(jwtAudience === undefined ? {} : { audience: jwtAudience }),
  };
  if (jwksUrl !== undefined) return { ...asked, kind: 'jwks', url: jwksUrl, algorithms: jwtAlgorithms };
  return { ...asked, kind: 'secret', secret: jwtSecret ?? (await developmentSecret()) };
}

/** Where MongoDB is, or what is needed to run it. */
export function mongoSettingsOf(settings: Settings): MongoSettings {
  const { mongodbUri, mongod, cacheDir, xdgCacheHome, dataDir, database } = settings;
  return {
    ...(mongodbUri === undefined ? {} : { uri: mongodbUri }),
    ...(mongod === undefined ? {} : { mongodPath: mongod }),
    cacheDir: cacheDir ?? defaultCacheDir(xdgCacheHome),
    dataDir,
    databaseName: database,
  };
}

/** The table of settings for the README, in Markdown; a test holds the README against it. */
export function settingsTable(): string {
  const rows = Object.values<Setting<unknown>>(SETTINGS).map(
    ({ name, type, unit, fallback, doc }) =>
      `| \`${name}\` | ${type} | ${unit ?? ''} | ${fallback === undefined ? '' : `\`${fallback}\``} | ${doc} |`,
  );
  return ['| variable | value | unit | default | what it does |', '|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}

/** The settings for `--help`, one or two lines each. */
export function settingsHelp(): string {
  const lines = Object.values<Setting<unknown>>(SETTINGS).flatMap(({ name, unit, fallback, doc }) => {
    const standing =
      fallback === undefined ? '' : ` (default ${fallback}${unit === undefined ? '' : ` ${unit}`})`;
    return [`  ${name}${standing}`, `      ${doc}`];
  });
  return ['Settings, all from the environment:', ...lines].join('\n');
}
