import { setTimeout as pause } from 'node:timers/promises';
import { addressOf, listen } from '../gateway/listen.ts';
import { createLines, type TlsSource } from '../gateway/tls.ts';
import { measureRequest } from '../metrics/http.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { AnswerOperator } from './health.ts';

export interface OperatorServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly answerOperator: AnswerOperator;
  readonly metrics: Metrics;
  /** What lines are secured with; plain where there is nothing. */
  readonly tls?: TlsSource | undefined;
}

export interface OperatorServer {
  /** `http://127.0.0.1:4000` */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** How long a page that is being answered when the server closes may take. */
const LAST_PAGE_MS = 1_000;

/**
 * Serves health and metrics of a process that answers nobody else; everything else is a 404.
 * @throws StartupError when the address cannot be listened on
 */
export async function startOperatorServer(options: OperatorServerOptions): Promise<OperatorServer> {
  const { host, answerOperator, metrics, tls } = options;
  const server = createLines(tls, (request, response) => {
    measureRequest(metrics, request, response);
    if (answerOperator(request, response)) return;
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(
      'This process runs with --role projector: it answers /health/live, /health/ready, /metrics.\n',
    );
  });
  const port = await listen(server, host, options.port);
  return {
    port,
    url: addressOf(host, port, tls),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      await Promise.race([closed, pause(LAST_PAGE_MS, undefined, { ref: false })]);
      server.closeAllConnections();
      await closed;
    },
  };
}
