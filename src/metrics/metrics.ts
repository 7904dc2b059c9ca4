import type { IncomingMessage, ServerResponse } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { openInHand, openLimitCounter } from './limits.ts';
import { openLaneTally } from './path-tally.ts';
import { openResultTally } from './result-tally.ts';

/** From a fast read to a request that has gone wrong, in seconds. */
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Members of a group, rows of a batch, items of a queue. */
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** What the gateway measures of itself. Members are named for what they count, the unit last. */
export type Metrics = ReturnType<typeof openMetrics>;

/** Makes the gateway's metrics in a registry of their own, so that two gateways in one process don't mix. */
export function openMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,

    /** HTTP requests, by method, path and status; a subscription over SSE counts when it ends. */
    httpSeconds: new Histogram({
      name: 'waybill_http_request_seconds',
      help: 'Duration of HTTP requests.',
      labelNames: ['method', 'path', 'status'],
      buckets: REQUEST_SECONDS,
      registers,
    }),
    /** GraphQL operations over HTTP and sockets: `operation` is query, mutation or subscription. */
    operations: new Counter({
      name: 'waybill_graphql_operations_total',
      help: 'GraphQL operations begun.',
      labelNames: ['operation', 'transport'],
      registers,
    }),
    /** Calls answered without an access: missing, invalid, expired, unavailable. */
    unauthenticated: new Counter({
      name: 'waybill_unauthenticated_total',
      help: 'Callers whose proof was not good, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    /** Errors nobody planned for; each has an errorId in the log. */
    bugs: new Counter({
      name: 'waybill_bugs_total',
      help: 'Unexpected errors, masked to the client.',
      registers,
    }),

    lanes: openLaneTally(registry),
    limits: openLimitCounter(registry),
    inHand: openInHand(registry),

    sockets: new Gauge({ name: 'waybill_sockets', help: 'Open WebSockets.', registers }),
    socketCloses: new Counter({
      name: 'waybill_socket_closes_total',
      help: 'Closed WebSockets, by close code.',
      labelNames: ['code'],
      registers,
    }),
    subscriptions: new Gauge({
      name: 'waybill_subscriptions',
      help: 'Running subscriptions, by field.',
      labelNames: ['field'],
      registers,
    }),
    results: openResultTally(registry),
    /** Lanes: ordered, latest, log. Set when the metrics are asked for. */
    subscriberQueueItems: new Gauge({
      name: 'waybill_subscriber_queue_items',
      help: 'Changes waiting in the queues of all subscribers, by lane.',
      labelNames: ['lane'],
      registers,
    }),
    subscriberOverflows: new Counter({
      name: 'waybill_subscriber_overflows_total',
      help: 'Subscribers closed because they read too slowly, by lane and limit.',
      labelNames: ['lane', 'limit'],
      registers,
    }),
    feedReopens: new Counter({
      name: 'waybill_feed_reopens_total',
      help: 'Change streams opened again.',
      labelNames: ['stream'],
      registers,
    }),
    feedGaps: new Counter({
      name: 'waybill_feed_gaps_total',
      help: 'Gaps told to subscribers.',
      labelNames: ['reason'],
      registers,
    }),
    /** From: ring (memory), oplog, nowhere (a gap and a snapshot). */
    feedResumes: new Counter({
      name: 'waybill_feed_resumes_total',
      help: 'Subscribers that came back with a cursor, by lane and by where what they missed was found.',
      labelNames: ['lane', 'from'],
      registers,
    }),
    /** Set when the metrics are asked for. */
    feedLagSeconds: new Gauge({
      name: 'waybill_feed_lag_seconds',
      help: 'How old what a change stream told last is; 0 while it keeps up.',
      labelNames: ['stream'],
      registers,
    }),
    feedHistoryBytes: new Gauge({
      name: 'waybill_feed_history_bytes',
      help: 'Changes kept in memory for subscribers who come back.',
      labelNames: ['stream'],
      registers,
    }),
    feedRememberedRows: new Gauge({
      name: 'waybill_feed_remembered_rows',
      help: 'Rows of which the feed knows who may have them; a change of another is shown to all subscribers.',
      labelNames: ['stream'],
      registers,
    }),

    /** Kinds: insert (one insertMany), transaction. */
    appendSeconds: new Histogram({
      name: 'waybill_append_seconds',
      help: 'Duration of a group of appends, from being sent to being acknowledged by a majority.',
      labelNames: ['kind'],
      buckets: REQUEST_SECONDS,
      registers,
    }),
    appendGroupSize: new Histogram({
      name: 'waybill_append_group_size',
      help: 'Appends that travelled together.',
      labelNames: ['kind'],
      buckets: SIZES,
      registers,
    }),
    appendedEvents: new Counter({
      name: 'waybill_appended_events_total',
      help: 'Events written to the log.',
      registers,
    }),
    /** Reasons: race (the sequence was taken), unknown (the outcome of a write was not known). */
    appendRetries: new Counter({
      name: 'waybill_append_retries_total',
      help: 'Appends tried again, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    /** Fates: written, dropped (too many waited, or the database was away): that costs time, and changes no answer. */
    snapshots: new Counter({
      name: 'waybill_snapshots_total',
      help: 'Folds of streams to be written down, by fate.',
      labelNames: ['fate'],
      registers,
    }),

    /** Set when the metrics are asked for. */
    projectionLagSeconds: new Gauge({
      name: 'waybill_projection_lag_seconds',
      help: 'How far a read model is behind the log.',
      labelNames: ['projection'],
      registers,
    }),
    projectionBatchSize: new Histogram({
      name: 'waybill_projection_batch_size',
      help: 'Events folded in one transaction of the projector.',
      labelNames: ['projection'],
      buckets: SIZES,
      registers,
    }),
    projectionFoldSeconds: new Histogram({
      name: 'waybill_projection_fold_seconds',
      help: 'Age of the oldest event of a batch when its row was written.',
      labelNames: ['projection'],
      buckets: REQUEST_SECONDS,
      registers,
    }),
    projectionRetries: new Counter({
      name: 'waybill_projection_retries_total',
      help: 'Failures of the projector that it tried again after.',
      labelNames: ['projection'],
      registers,
    }),
    projectionPoisoned: new Counter({
      name: 'waybill_projection_poisoned_total',
      help: 'Rows left behind by an event that cannot be folded.',
      labelNames: ['projection'],
      registers,
    }),
    /** As the last verification found them, whichever process made it. */
    verifyFindings: new Gauge({
      name: 'waybill_verify_findings',
      help: 'Rows and streams that the last verification found wrong, by kind.',
      labelNames: ['projection', 'kind'],
      registers,
    }),
    verifyEvents: new Counter({
      name: 'waybill_verify_events_total',
      help: 'Events that this process folded to verify a read model.',
      labelNames: ['projection'],
      registers,
    }),
    verifyLastRun: new Gauge({
      name: 'waybill_verify_last_run_timestamp_seconds',
      help: 'When the last verification ended, in seconds since 1970.',
      labelNames: ['projection'],
      registers,
    }),
    verifyLastSeconds: new Gauge({
      name: 'waybill_verify_last_run_seconds',
      help: 'How long the last verification took.',
      labelNames: ['projection'],
      registers,
    }),
    expiredOffers: new Counter({
      name: 'waybill_expired_offers_total',
      help: 'Offers that this process let expire.',
      registers,
    }),
  };
}

/** Adds memory, CPU, event-loop delay and garbage collection. For the process's own registry, once. */
export function measureProcess(metrics: Metrics): void {
  collectDefaultMetrics({ register: metrics.registry });
}

/** Paths that get a label of their own; any other is one label, so that a scan can't grow the registry. */
const PATHS: ReadonlySet<string> = new Set(['/graphql', '/health/live', '/health/ready', '/metrics']);

/** Times one HTTP request until its answer is sent or its connection is gone. */
export function measureRequest(metrics: Metrics, request: IncomingMessage, response: ServerResponse): void {
  const stop = metrics.httpSeconds.startTimer();
  const { method = '' } = request;
  const [path = ''] = (request.url ?? '').split('?', 1);
  response.once('close', () => {
    stop({
      method: METHODS.has(method) ? method : 'other',
      path: PATHS.has(path) ? path : 'other',
      status: response.headersSent ? response.statusCode : 'aborted',
    });
  });
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'OPTIONS', 'HEAD']);
