import type { Logger } from 'pino';
import { apiKeyVerifier } from './access/api-key-verifier.ts';
import { authenticateBy } from './access/authenticate.ts';
import { developmentSecret } from './access/development-secret.ts';
import { rateUseOf } from './access/rate-use.ts';
import { Revocations } from './access/revocations.ts';
import { signToken, tokenVerifier } from './access/token.ts';
import type { Store } from './eventstore/command/store.ts';
import { type Feed, openFeed } from './eventstore/feed/feed.ts';
import { openStore } from './eventstore/open-store.ts';
import { projectionStatus } from './eventstore/projection/status.ts';
import { doubtSentences } from './eventstore/recovery/sentences.ts';
import { type LogWatch, watchLog } from './eventstore/recovery/watch.ts';
import { levelRates } from './gateway/cost/level.ts';
import { openRates } from './gateway/cost/rates.ts';
import { watchProofs } from './gateway/engine/revocation-watch.ts';
import { SERVER_LIMITS, type ServerLimits, startServer } from './gateway/server.ts';
import type { TlsSource } from './gateway/tls.ts';
import { startJobs } from './jobs.ts';
import { clientLimits } from './metrics/limits.ts';
import { type Metrics, measureProcess, openMetrics } from './metrics/metrics.ts';
import { model } from './model.ts';
import { openMongo } from './mongo/mongo.ts';
import { openPersonal, type Personal } from './personal/personal.ts';
import { replayErasures } from './personal/restore.ts';
import { operatorPages, type Probes } from './process/health.ts';
import { observersOf } from './process/observers.ts';
import { startOperatorServer } from './process/operator-server.ts';
import { keyServiceOf, ledgerOf } from './process/personal.ts';
import { isDevelopment, tokenPolicyOf } from './process/proof.ts';
import { openServiceAccounts } from './process/service-accounts.ts';
import { mongoSettingsOf, type Settings } from './process/settings.ts';
import { openTls } from './process/tls.ts';

/** The token that GraphiQL is given in development mode: for a dispatcher of the tenant that the README uses. */
const DEVELOPMENT_CLAIMS = { sub: 'graphiql', tenant: 'demo', role: 'dispatcher' } as const;
const DEVELOPMENT_TOKEN_SECONDS = 86_400;

/** A process of Waybill that runs. */
export interface Waybill {
  /** Where GraphQL is answered; for a projector, where health and metrics are. */
  readonly url: string;
  readonly port: number;
  /** True where nothing but the development secret proves tokens. */
  readonly development: boolean;
  /** True if MongoDB runs on the data folder. */
  readonly embedded: boolean;
  /** Lets requests end, sends sockets elsewhere, and closes everything in the reverse order of its opening. */
  close(): Promise<void>;
}

/** What is there before anything is opened, for those who open something. */
interface Opening {
  readonly settings: Settings;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly onClose: (close: () => Promise<void>) => void;
  /** True once it is being closed. */
  readonly draining: () => boolean;
}

/** With what lines are secured with; plain where there is nothing. */
type Secured = Opening & { readonly tls: TlsSource | undefined };

/**
 * Opens MongoDB, the event store and what the role of this process asks for: jobs, feed, server. What was opened is closed
 * again when a later part fails.
 * @param onLost called when the process can't go on: its own mongod is lost for good, or the database was restored
 *   underneath it
 * @throws StartupError, a sentence for the operator
 */
export async function openWaybill(
  settings: Settings,
  log: Logger,
  onLost: (error: Error) => void = () => undefined,
): Promise<Waybill> {
  const closers: (() => Promise<void>)[] = [];
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= closeAll(closers, log);
    return closing;
  };
  const metrics = openMetrics();
  measureProcess(metrics);
  const onClose = (closer: () => Promise<void>): void => void closers.push(closer);
  const opening: Opening = { settings, log, metrics, onClose, draining: () => closing !== undefined };
  try {
    return { ...(await openRole(opening, onLost)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openRole(opening: Opening, onLost: (error: Error) => void): Promise<Omit<Waybill, 'close'>> {
  const { settings, log, metrics, onClose } = opening;
  const { role } = settings;
  // Before a mongod is started: files that cannot be used are told of at once.
  const secured = { ...opening, tls: openTls(settings, opening) };
  const join = role !== 'all';
  const mongo = await openMongo(mongoSettingsOf(settings), log, { join, onLost });
  onClose(() => mongo.close());
  const { client, db, embedded, uri } = mongo;
  const store = await openStore({
    client,
    db,
    log,
    ...model,
    snapshotEvery: settings.snapshotEvery,
    observer: observersOf(metrics).store,
  });
  onClose(() => store.snapshots.close());
  const personal = await openPersonal(db, keyServiceOf(settings));
  // Before anybody is answered: a restore may have brought back who was erased.
  await replayErasures({ store, personal, ledger: ledgerOf(settings) });
  const watch = watchLog(store, { onReplaced: onLost });
  onClose(() => watch.stop());
  if (role !== 'gateway') await startJobs({ ...opening, store, personal, uri });
  const served =
    role === 'projector'
      ? await serveOperator(secured, store, watch)
      : await serve(secured, store, personal, watch);
  return { ...served, embedded };
}

/** Answers operators only: `--role projector`. */
async function serveOperator(
  opening: Secured,
  store: Store,
  watch: LogWatch,
): Promise<Omit<Waybill, 'close' | 'embedded'>> {
  const { settings, metrics, onClose } = opening;
  const { host, port } = settings;
  const answerOperator = pagesOf(opening, store, watch);
  const { tls } = opening;
  const server = await startOperatorServer({ host, port, answerOperator, metrics, tls });
  onClose(() => server.close());
  return { url: server.url, port: server.port, development: false };
}

/** Answers GraphQL. */
async function serve(
  opening: Secured,
  store: Store,
  personal: Personal,
  watch: LogWatch,
): Promise<Omit<Waybill, 'close' | 'embedded'>> {
  const { settings, log, metrics, onClose } = opening;
  const development = isDevelopment(settings);
  const policy = await tokenPolicyOf(settings, () =>
    developmentSecret(settings.dataDir, (path) => log.info({ path }, 'made a secret that signs tokens')),
  );
  const feed = openFeed(store, { limits: feedLimitsOf(settings), observer: observersOf(metrics).feed });
  onClose(async () => feed.close());
  const limits = serverLimitsOf(settings);
  const rates = openRates({ ...SERVER_LIMITS, ...limits }, metrics);
  onClose(levelRates(rates, rateUseOf(store.db), log));
  const verifyCertificate =
    settings.serviceAccounts === undefined
      ? undefined
      : openServiceAccounts(settings.serviceAccounts, opening);
  const proofs = await watchProofs(new Revocations(store.db, settings.maxTokenHours), {
    verifyCertificate,
    onFailure: (error) => log.warn({ err: error }, 'what was revoked cannot be read; it is tried again'),
  });
  onClose(() => proofs.close());
  const server = await startServer({
    host: settings.host,
    port: settings.port,
    development,
    allowedOrigins: settings.allowedOrigins ?? [],
    services: { store, feed, personal, projections: () => projectionStatus(store) },
    authenticate: authenticateBy({
      verifyToken: tokenVerifier(policy),
      verifyApiKey: apiKeyVerifier(store.db),
      ...(verifyCertificate === undefined ? {} : { verifyCertificate }),
    }),
    proofs,
    log,
    metrics,
    answerOperator: pagesOf(opening, store, watch, feed),
    ...(development && policy.kind === 'secret'
      ? { developmentToken: () => signToken(policy, DEVELOPMENT_CLAIMS, DEVELOPMENT_TOKEN_SECONDS) }
      : {}),
    tls: opening.tls,
    limits,
    rates,
  });
  onClose(() => server.close(settings.drainSeconds * 1_000));
  return { url: server.url, port: server.port, development };
}

function pagesOf({ settings, log, metrics, draining }: Opening, store: Store, watch: LogWatch, feed?: Feed) {
  const probes: Probes = {
    ping: () => store.db.command({ ping: 1 }),
    projections: () => projectionStatus(store),
    streams: () => feed?.streams() ?? [],
    newer: () => store.newer.list(),
    doubts: () => doubtSentences(store, watch),
    draining,
    maxLagMs: settings.maxLagSeconds * 1_000,
    skewMs: () => store.clock.skewMs(),
    maxSkewMs: settings.maxClockSkewSeconds * 1_000,
    gauge: () => {
      metrics.clockSkewSeconds.set(store.clock.skewMs() / 1_000);
      if (feed !== undefined) measureFeed(metrics, feed);
    },
  };
  return operatorPages(probes, metrics, log);
}

/** Sets the gauges of the feed, whose values are looked up only when `/metrics` is asked for. */
function measureFeed(metrics: Metrics, feed: Feed): void {
  for (const [lane, items] of Object.entries(feed.waiting()))
    metrics.subscriberQueueItems.set({ lane }, items);
  for (const { stream, lagMs, historyBytes, rememberedRows } of feed.streams()) {
    metrics.feedLagSeconds.set({ stream }, lagMs / 1_000);
    metrics.feedHistoryBytes.set({ stream }, historyBytes);
    metrics.feedRememberedRows.set({ stream }, rememberedRows);
  }
}

/** Closes the last opened first. What fails to close must not keep the rest open. */
async function closeAll(closers: readonly (() => Promise<void>)[], log: Logger): Promise<void> {
  for (const closer of [...closers].reverse()) {
    try {
      await closer();
    } catch (error) {
      log.error({ err: error }, 'something could not be closed properly');
    }
  }
}

function feedLimitsOf(settings: Settings) {
  return {
    queueItems: settings.maxQueuedChanges,
    queueBytes: settings.maxQueuedBytes,
    historyBytes: settings.maxHistoryBytes,
    stalledMs: settings.stalledSeconds * 1_000,
    heartbeatMs: settings.heartbeatSeconds * 1_000,
  };
}

function serverLimitsOf(settings: Settings): Partial<ServerLimits> {
  return { ...clientLimits(settings), pingMs: settings.heartbeatSeconds * 1_000 };
}
