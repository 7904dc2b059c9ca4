import type { Logger } from 'pino';
import { apiKeyVerifier } from './access/api-keys.ts';
import { authenticateBy } from './access/authenticate.ts';
import { developmentSecret } from './access/development-secret.ts';
import { signToken, tokenVerifier } from './access/token.ts';
import { type ExpiryPort, startExpiry } from './dispatch/expiry.ts';
import { dueRows } from './eventstore/due-rows.ts';
import { openFeed } from './eventstore/feed.ts';
import { handle } from './eventstore/handle.ts';
import { startProjector } from './eventstore/project.ts';
import { projectionStatus } from './eventstore/projection-status.ts';
import { startStaleRebuilds } from './eventstore/rebuild-stale.ts';
import { startRetiring } from './eventstore/retired.ts';
import { openStore, type Store } from './eventstore/store.ts';
import { startVerifying, type VerifyObserver } from './eventstore/verify-job.ts';
import { operatorPages } from './health.ts';
import { type Metrics, measureProcess, openMetrics } from './metrics.ts';
import { eventDefinitions, projections } from './model.ts';
import { openMongo } from './mongo/mongo.ts';
import { observersOf } from './observers.ts';
import { openThreads } from './replay-threads.ts';
import { startServer } from './server.ts';
import { isDevelopment, mongoSettingsOf, type Settings, tokenPolicyOf } from './settings.ts';
import { tendersRead } from './tender/projection.ts';

/** The token that GraphiQL is given in development mode: for a dispatcher of the tenant that the README uses. */
const DEVELOPMENT_CLAIMS = { sub: 'graphiql', tenant: 'demo', role: 'dispatcher' } as const;
const DEVELOPMENT_TOKEN_SECONDS = 86_400;

/** A gateway that takes requests. */
export interface Waybill {
  /** Where GraphQL is answered. */
  readonly url: string;
  readonly port: number;
  /** True where nothing but the development secret proves tokens. */
  readonly development: boolean;
  /** Where the own mongod keeps its data; undefined on a cluster. */
  readonly embedded: boolean;
  /** Lets requests end, makes sockets reconnect elsewhere, and closes everything in the reverse of its opening. */
  close(): Promise<void>;
}

/**
 * Opens the whole gateway: MongoDB, event store, projector, feed, timer, server. What was opened is closed again
 * when a later part fails.
 * @param onLost told when the gateway can't go on: its own mongod is lost for good, or newer code has taken over
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
  try {
    return { ...(await openParts(settings, log, onLost, closers, () => closing !== undefined)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openParts(
  settings: Settings,
  log: Logger,
  onLost: (error: Error) => void,
  closers: (() => Promise<void>)[],
  draining: () => boolean,
): Promise<Omit<Waybill, 'close'>> {
  const development = isDevelopment(settings);
  const policy = await tokenPolicyOf(settings, () => developmentSecret(settings.dataDir));
  const metrics = openMetrics();
  measureProcess(metrics);
  const observers = observersOf(metrics);

  const mongo = await openMongo(mongoSettingsOf(settings), log, { onLost });
  closers.push(() => mongo.close());
  const { client, db, embedded } = mongo;
  const definitions = eventDefinitions;
  const store = await openStore({
    client,
    db,
    log,
    definitions,
    projections,
    snapshotEvery: settings.snapshotEvery,
    observer: observers.store,
    onOutdated: onLost,
  });
  const retiring = startRetiring(store);
  closers.push(() => retiring.stop());
  closers.push(() => store.snapshots.close());
  const projector = await startProjector(store, projections, { observer: observers.projector });
  closers.push(() => projector.stop());
  const feed = openFeed(store, { limits: feedLimitsOf(settings), observer: observers.feed });
  closers.push(async () => feed.close());
  const expiry = startExpiry(expiryPort(store, metrics, log));
  closers.push(() => expiry.stop());
  // In a thread of its own: this one answers requests.
  const stale = startStaleRebuilds(store, { openWorkers: openThreads(1, mongo.uri) });
  closers.push(() => stale.stop());
  if (settings.verifyHours > 0) {
    const verifying = startVerifying(store, verifyJobOf(settings, observers.verify));
    closers.push(() => verifying.stop());
  }

  const status = () => projectionStatus(store);
  const answerOperator = operatorPages(
    {
      ping: () => db.command({ ping: 1 }),
      projections: status,
      draining,
      maxLagMs: settings.maxLagSeconds * 1_000,
      gauge: () => {
        for (const [lane, items] of Object.entries(feed.waiting()))
          metrics.subscriberQueueItems.set({ lane }, items);
      },
    },
    metrics,
    log,
  );
  const server = await startServer({
    host: settings.host,
    port: settings.port,
    development,
    allowedOrigins: settings.allowedOrigins ?? [],
    services: { store, feed, projections: status },
    authenticate: authenticateBy({ verifyToken: tokenVerifier(policy), verifyApiKey: apiKeyVerifier(db) }),
    log,
    metrics,
    answerOperator,
    ...(development && policy.kind === 'secret'
      ? { developmentToken: () => signToken(policy, DEVELOPMENT_CLAIMS, DEVELOPMENT_TOKEN_SECONDS) }
      : {}),
    limits: serverLimitsOf(settings),
  });
  closers.push(() => server.close(settings.drainSeconds * 1_000));
  return { url: server.url, port: server.port, development, embedded };
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

function expiryPort(store: Store, metrics: Metrics, log: Logger): ExpiryPort {
  return {
    due: (now, limit) => dueRows(store, tendersRead, 'nextExpiryAt', now, limit),
    handle: async (intent) => {
      const outcome = await handle(store, intent);
      if (outcome.kind === 'recorded' && !outcome.repeated) metrics.expiredOffers.inc(outcome.events.length);
      return outcome;
    },
    log,
    clock: () => new Date(),
  };
}

function verifyJobOf({ verifyHours, verifyEventsPerSecond }: Settings, observer: VerifyObserver) {
  return { everyMs: verifyHours * 3_600_000, eventsPerSecond: verifyEventsPerSecond, observer };
}

function feedLimitsOf(settings: Settings) {
  return {
    queueItems: settings.maxQueuedChanges,
    queueBytes: settings.maxQueuedBytes,
    stalledMs: settings.stalledSeconds * 1_000,
    heartbeatMs: settings.heartbeatSeconds * 1_000,
  };
}

function serverLimitsOf(settings: Settings) {
  const { maxBodyBytes, maxMessageBytes, maxSocketBufferBytes } = settings;
  const { maxSubscriptionsPerSocket, maxSocketsPerTenant } = settings;
  return {
    maxBodyBytes,
    maxMessageBytes,
    maxSocketBufferBytes,
    maxSubscriptionsPerSocket,
    maxSocketsPerTenant,
    pingMs: settings.heartbeatSeconds * 1_000,
  };
}
