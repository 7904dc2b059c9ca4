/**
 * The gateway: HTTP requests and sockets come in, answers and frames go out; what the operations in them mean is known to
 * the schema and the contexts only.
 *
 * 1. A request comes by `http/requests.ts`; an upgrade by `socket/connect.ts`, its messages by `socket/sockets.ts`.
 * 2. `engine/` is what both share: who may do what, the store and feed of the caller's tenant, parsing, validating, masking.
 * 3. Subscriptions are executed in `fan-out/`, once for all who are shown the same.
 * 4. `stop.ts` ends it all, one client after the other.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Authenticate } from '../access/authenticate.ts';
import { ProofHolders, type ProofWatch, refusingEnded } from '../access/proof-watch.ts';
import { FEED_LIMITS } from '../eventstore/feed/limits.ts';
import { measureRequest } from '../metrics/http.ts';
import { CLIENT_LIMITS, type ClientLimits } from '../metrics/limits.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { schema } from '../schema.ts';
import { openCosts } from './cost/costs.ts';
import { openRates, type Rates } from './cost/rates.ts';
import { Connections } from './engine/connections.ts';
import { createEngine } from './engine/engine.ts';
import { openAdmission, openGuards } from './engine/guards.ts';
import { errorMask } from './engine/masking.ts';
import type { Services } from './engine/operation-context.ts';
import type { OriginRules } from './engine/origins.ts';
import { type HttpLimits, openHttp, trackIdleLines } from './http/requests.ts';
import { addressOf, listen } from './listen.ts';
import { acceptUpgrades } from './socket/connect.ts';
import { openSockets, type SocketLimits } from './socket/sockets.ts';
import { DRAIN_MS, stop } from './stop.ts';
import { createLines, type TlsSource } from './tls.ts';

/** What clients may cost, and how lines are watched and closed. */
export type ServerLimits = ClientLimits & SocketLimits & HttpLimits;

/** The limits of a server whose operator sets none. */
export const SERVER_LIMITS: ServerLimits = {
  ...CLIENT_LIMITS,
  pingMs: FEED_LIMITS.heartbeatMs,
  closeGraceMs: 5_000,
};

export interface ServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** GraphiQL, and introspection for everyone. */
  readonly development: boolean;
  /** Origins of the web pages that may call; in development mode those of this machine may too. */
  readonly allowedOrigins?: readonly string[];
  readonly services: Services;
  readonly authenticate: Authenticate;
  /** When proofs end; without it, when they expire. */
  readonly proofs?: ProofWatch;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Answers `/health/…` and `/metrics`; false where the request is for something else, and is left untouched. */
  readonly answerOperator?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** The token that GraphiQL is given in development mode. */
  readonly developmentToken?: () => Promise<string>;
  readonly limits?: Partial<ServerLimits>;
  /** What lines are secured with; plain where there is nothing. */
  readonly tls?: TlsSource | undefined;
  /** What callers have used; of this server only unless given. */
  readonly rates?: Rates;
}

/** A gateway that listens. */
export interface RunningServer {
  /** `http://127.0.0.1:4000/graphql` */
  readonly url: string;
  readonly port: number;
  /**
   * Stops: closes sockets with 1012 and cuts SSE, one after the other, so that clients come back elsewhere and not all at
   * once; who comes anew is sent away at once. Then takes no request any more, waits for those that are being answered, and
   * cuts what is left after `drainMs`.
   */
  close(drainMs?: number): Promise<void>;
}

/**
 * Serves GraphQL over HTTP, Server-Sent Events and WebSocket on one port, at `/graphql`.
 * @throws StartupError when the address cannot be listened on
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { development, log, metrics, tls } = options;
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const origins = { allowed: options.allowedOrigins ?? [], loopback: development };
  const { http, sockets } = openTransports(options, limits, origins);
  const server = createLines(tls, (request, response) => {
    measureRequest(metrics, request, response);
    if (!isTarget(request.url)) {
      const text = 'The target of a request is a path here: /graphql.\n';
      response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(text);
      return;
    }
    if (options.answerOperator?.(request, response) === true) return;
    if (development && request.url === '/') response.writeHead(302, { location: '/graphql' }).end();
    else http.answer(request, response);
  });
  const closeIdle = trackIdleLines(server, tls !== undefined);
  let closing: Promise<void> | undefined;
  acceptUpgrades(server, { sockets, origins, log, stopping: () => closing !== undefined });
  const port = await listen(server, options.host, options.port);
  return {
    port,
    url: `${addressOf(options.host, port, tls)}/graphql`,
    close: (drainMs = DRAIN_MS) => {
      closing ??= stop({ server, sockets, stopHttp: http.stop, closeIdle }, limits.closeGraceMs, drainMs);
      return closing;
    },
  };
}

/** False for what is no path, or an absolute address: the engine would show a stack, or take it for another host's. */
function isTarget(url = ''): boolean {
  return url === '/graphql' || (url.startsWith('/') && URL.canParse(`http://localhost${url}`));
}

/** HTTP and sockets, over one engine. */
function openTransports(options: ServerOptions, limits: ServerLimits, origins: OriginRules) {
  const { development, developmentToken, log, metrics, proofs = new ProofHolders() } = options;
  const authenticate = refusingEnded(options.authenticate, proofs);
  const services = { ...options.services, admission: openAdmission(limits, metrics) };
  const mask = errorMask(log, metrics);
  const rates = options.rates ?? openRates(limits, metrics);
  const costs = openCosts(schema, limits, rates, metrics);
  const guards = openGuards(development, costs, metrics);
  const { maxBodyBytes, maxSharedBytes, maxDocumentTokens } = limits;
  const engine = createEngine({
    schema,
    guards,
    development,
    origins,
    maxBodyBytes,
    maxSharedBytes,
    maxDocumentTokens,
    mask,
    log,
    metrics,
    developmentToken,
  });
  const connections = new Connections(limits, metrics);
  return {
    http: openHttp({
      connections,
      development,
      engine,
      schema,
      guards,
      origins,
      services,
      authenticate,
      proofs,
      mask,
      limits,
      metrics,
    }),
    sockets: openSockets({ connections, engine, services, authenticate, proofs, mask, limits, log, metrics }),
  };
}
