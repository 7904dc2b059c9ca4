import type { IncomingMessage, ServerResponse } from 'node:http';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { REQUEST_SECONDS } from './buckets.ts';

/** Requests, the operations in them, and what went wrong before or while they were answered. */
export function openHttpMetrics(registry: Registry) {
  const registers = [registry];
  return {
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
    /** Changed files of TLS, by whether they could be used: taken, refused. */
    tlsReloads: new Counter({
      name: 'waybill_tls_reloads_total',
      help: 'Changed TLS files, by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    /** In s since 1970; 0 without TLS. */
    tlsCertificateEnd: new Gauge({
      name: 'waybill_tls_certificate_end_timestamp_seconds',
      help: 'When the TLS certificate in use ends.',
      registers,
    }),
    /** Errors nobody planned for; each has an errorId in the log. */
    bugs: new Counter({
      name: 'waybill_bugs_total',
      help: 'Unexpected errors, masked to the client.',
      registers,
    }),
  };
}

type HttpMetrics = ReturnType<typeof openHttpMetrics>;

/** Paths that get a label of their own; any other is one label, so that a scan can't grow the registry. */
const PATHS: ReadonlySet<string> = new Set(['/graphql', '/health/live', '/health/ready', '/metrics']);

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'OPTIONS', 'HEAD']);

/** Times one HTTP request until its answer is sent or its connection is gone. */
export function measureRequest(
  metrics: Pick<HttpMetrics, 'httpSeconds'>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
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
