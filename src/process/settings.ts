/**
 * What a process is told by its environment: variables go in (`main.ts` alone reads them), checked values come out, or one
 * sentence for the operator.
 *
 * `setting.ts` has the kinds of settings, `secret.ts` those that nobody may see, this file the list, `proof.ts` what they say about tokens and who may reach the
 * process, `help.ts` how they are shown. The other files of the folder are what a process needs around its work: `log.ts`,
 * `stop-signal.ts`, `observers.ts` (what the event store tells, as metrics), `health.ts` with `operator-server.ts` (what
 * operators ask), `replay-threads.ts` with `replay-worker.ts` (threads that rebuild read models).
 */
import { JWKS_ALGORITHMS } from '../access/key-set.ts';
import { MAX_TOKEN_HOURS } from '../access/lifetime.ts';
import { MIN_SECRET_BYTES } from '../access/token.ts';
import { FEED_LIMITS } from '../eventstore/feed/limits.ts';
import { SNAPSHOT_EVERY } from '../eventstore/time/snapshots.ts';
import { DRAIN_MS } from '../gateway/stop.ts';
import { COST_LIMITS, REQUEST_LIMITS, RESULT_LIMITS } from '../metrics/limits.ts';
import type { MongoSettings } from '../mongo/mongo.ts';
import { defaultCacheDir } from '../mongo/program/cache.ts';
import { StartupError } from '../mongo/startup-error.ts';
import { LOG_LEVELS } from './log.ts';
import { checkProof } from './proof.ts';
import { secret, secretOf } from './secret.ts';
import {
  choice,
  choices,
  integer,
  limitSettings,
  matching,
  origins,
  type Setting,
  SettingError,
  text,
  url,
  type Values,
  type Variables,
} from './setting.ts';
import { CLIENT_CERTIFICATES, checkTls } from './tls.ts';

/** What one process does; together they do everything, any number of each on one database. */
export const PROCESS_ROLES = ['all', 'gateway', 'projector'] as const;

/** Every setting of the gateway: `--help`, the table of docs/settings.md and the checks are all made from this list. */
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

  mongodbUri: secret(
    matching(/^mongodb(\+srv)?:\/\/./, 'must begin with mongodb:// or mongodb+srv://', {
      name: 'MONGODB_URI',
      doc: 'A replica set or sharded cluster, MongoDB 6.0 or newer. Not set: Waybill runs its own mongod.',
    }),
  ),
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

  jwtSecret: secret(
    text({
      name: 'WAYBILL_JWT_SECRET',
      doc: `Shared secret that signs tokens (HS256), at least ${MIN_SECRET_BYTES} bytes.`,
    }),
  ),
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
  maxTokenHours: integer(1, 87_600, {
    name: 'WAYBILL_MAX_TOKEN_HOURS',
    unit: 'h',
    fallback: String(MAX_TOKEN_HOURS),
    doc: 'How long a token may be good for, from `iat` to `exp`; a longer one is refused.',
  }),

  personalKey: secret(
    text({
      name: 'WAYBILL_PERSONAL_KEY',
      doc: 'What wraps the keys of personal data: 32 random bytes in Base64. Not set: a file in the data folder, made when it is needed.',
    }),
  ),
  personalKeyPrevious: secret(
    text({
      name: 'WAYBILL_PERSONAL_KEY_PREVIOUS',
      doc: 'The key before that one, until `waybill personal rotate` was run for every tenant.',
    }),
  ),
  vaultKeyUrl: url(['https:', 'http:'], {
    name: 'WAYBILL_VAULT_KEY_URL',
    doc: 'A key of a vault’s transit engine that wraps them instead: `https://vault.example/v1/transit/keys/waybill`.',
  }),
  vaultToken: secret(text({ name: 'WAYBILL_VAULT_TOKEN', doc: 'The token that the vault is asked with.' })),
  erasureLedger: text({
    name: 'WAYBILL_ERASURE_LEDGER',
    doc: 'File of the ledger of erasures, which must survive a restore of the database. Not set: `erasures.jsonl` in the data folder.',
  }),
  personalDays: integer(0, 36_500, {
    name: 'WAYBILL_PERSONAL_DAYS',
    unit: 'd',
    fallback: '0',
    doc: 'How long after something was last recorded of a person all of it is erased; 0 for never.',
  }),

  tlsCertificate: text({
    name: 'WAYBILL_TLS_CERTIFICATE_FILE',
    doc: 'Path of the certificate (PEM, with those between it and its authority): lines are TLS then, `https` and `wss` alone.',
  }),
  tlsKey: text({
    name: 'WAYBILL_TLS_KEY_FILE',
    doc: 'Path of the key of that certificate (PEM). Changed files are taken up within seconds, without a restart.',
  }),
  tlsKeyPassphrase: secret(
    text({ name: 'WAYBILL_TLS_KEY_PASSPHRASE', doc: 'What the key is encrypted with, if it is.' }),
  ),
  tlsClientCa: text({
    name: 'WAYBILL_TLS_CLIENT_CA_FILE',
    doc: 'Path of the authorities (PEM) whose clients are asked for a certificate: it proves a service account, or binds a token.',
  }),
  tlsClientCertificate: choice(CLIENT_CERTIFICATES, {
    name: 'WAYBILL_TLS_CLIENT_CERTIFICATE',
    fallback: 'optional',
    doc: 'Whether clients without a certificate are let in, to show a token or a key.',
  }),
  serviceAccounts: text({
    name: 'WAYBILL_SERVICE_ACCOUNTS_FILE',
    doc: 'Path of the list (JSON) that says whom each client certificate stands for. Changes are taken up within seconds.',
  }),

  allowedOrigins: origins({
    name: 'WAYBILL_ALLOWED_ORIGINS',
    doc: "Web pages of other hosts that may call, between commas: `https://app.example`. In development mode this machine's may.",
  }),

  ...limitSettings(REQUEST_LIMITS),
  ...limitSettings(COST_LIMITS),
  maxQueuedChanges: integer(1, 1_000_000, {
    name: 'WAYBILL_MAX_QUEUED_CHANGES',
    unit: 'changes',
    fallback: String(FEED_LIMITS.queueItems),
    doc: 'Changes that may wait for one subscriber; a slower one is closed (4408).',
  }),
  maxQueuedBytes: integer(65_536, 1_073_741_824, {
    name: 'WAYBILL_MAX_QUEUED_BYTES',
    unit: 'B',
    fallback: String(FEED_LIMITS.queueBytes),
    doc: 'The same in bytes.',
  }),
  stalledSeconds: integer(1, 3_600, {
    name: 'WAYBILL_STALLED_SECONDS',
    unit: 's',
    fallback: String(FEED_LIMITS.stalledMs / 1_000),
    doc: 'How long a change may wait for a subscriber that reads nothing at all, before it is closed (4408).',
  }),
  ...limitSettings(RESULT_LIMITS),
  maxHistoryBytes: integer(0, 4_294_967_296, {
    name: 'WAYBILL_MAX_HISTORY_BYTES',
    unit: 'B',
    fallback: String(FEED_LIMITS.historyBytes),
    doc: 'Changes kept for subscribers who resume, of read models and of the log each; older ones are read from the oplog, as many at most.',
  }),
  maxLagSeconds: integer(1, 86_400, {
    name: 'WAYBILL_MAX_LAG_SECONDS',
    unit: 's',
    fallback: '30',
    doc: 'How far a read model or a change stream may be behind the log before `/health/ready` says 503.',
  }),
  maxClockSkewSeconds: integer(1, 86_400, {
    name: 'WAYBILL_MAX_CLOCK_SKEW_SECONDS',
    unit: 's',
    fallback: '10',
    doc: "How far this machine's clock may differ from the database's before `/health/ready` says 503.",
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
  proofKey: secret(
    text({
      name: 'WAYBILL_PROOF_KEY',
      doc: 'The ed25519 key (PEM) that signs what the log is sealed with. Not set: with the own mongod one is made in WAYBILL_DATA, else nothing is sealed.',
    }),
  ),
  proofEarlierKeys: text({
    name: 'WAYBILL_PROOF_EARLIER_KEYS',
    doc: 'Public keys that were in use before, as `waybill proof-key` printed them, between commas: `verify` takes their signatures, too.',
  }),
  proofCopies: url(['file:', 'https:', 'http:'], {
    name: 'WAYBILL_PROOF_COPIES',
    doc: 'Where checkpoints are kept besides: a folder (`file:///mnt/worm/waybill`), or a bucket with object lock that speaks S3 (`https://s3.example/bucket/waybill`).',
  }),
  proofCopiesRegion: text({
    name: 'WAYBILL_PROOF_COPIES_REGION',
    fallback: 'us-east-1',
    doc: 'Region of that bucket.',
  }),
  proofCopiesKeyId: text({ name: 'WAYBILL_PROOF_COPIES_KEY_ID', doc: 'Access key id for that bucket.' }),
  proofCopiesSecret: secret(
    text({ name: 'WAYBILL_PROOF_COPIES_SECRET', doc: 'Secret access key for that bucket.' }),
  ),
  proofLockDays: integer(0, 36_500, {
    name: 'WAYBILL_PROOF_LOCK_DAYS',
    unit: 'days',
    fallback: '3650',
    doc: 'For how long nobody may change or remove a checkpoint in that bucket; 0 leaves it to the bucket.',
  }),
  heartbeatSeconds: integer(1, 3_600, {
    name: 'WAYBILL_HEARTBEAT_SECONDS',
    unit: 's',
    fallback: String(FEED_LIMITS.heartbeatMs / 1_000),
    doc: 'How often an idle subscription gets a heartbeat, and a socket a ping.',
  }),
  drainSeconds: integer(0, 3_600, {
    name: 'WAYBILL_DRAIN_SECONDS',
    unit: 's',
    fallback: String(DRAIN_MS / 1_000),
    doc: 'How long a stop may take: subscribers are sent elsewhere one after the other, then requests under way are answered.',
  }),
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

/** What the environment says, checked. */
export type Settings = Values<typeof SETTINGS>;

/**
 * Reads all settings. An empty variable counts as not set.
 * @throws StartupError with one sentence for the operator, about the first setting that is wrong
 */
export function readSettings(variables: Variables): Settings {
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(SETTINGS)) values[key] = settingOf(setting, variables);
  const settings = values as Settings;
  checkProof(settings);
  checkTls(settings);
  return settings;
}

function settingOf(setting: Setting<unknown>, variables: Variables): unknown {
  const { name, isSecret } = setting;
  const text = (isSecret ? secretOf(name, variables) : variables[name]) || setting.fallback;
  if (text === undefined) return undefined;
  try {
    return setting.read(text);
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    const shown = isSecret ? '' : `, not "${text}"`;
    throw new StartupError(`${name} ${error.message}${shown}.`);
  }
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
