import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { WebSocketServer } from 'ws';
import type { Authenticate } from '../access/authenticate.ts';
import { measureRequest } from '../metrics/http.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { schema } from '../schema.ts';
import { type AdmissionLimits, openAdmission } from './engine/admission.ts';
import { createGateway } from './engine/engine.ts';
import { openGuards } from './engine/guards.ts';
import { errorMask } from './engine/masking.ts';
import type { Services } from './engine/operation-context.ts';
import { mayOpenSocket, type OriginRules } from './engine/origins.ts';
import type { MemoLimits } from './fan-out/memo.ts';
import { trackIdleLines } from './http/idle-lines.ts';
import { type HttpLimits, openHttp } from './http/requests.ts';
import { addressOf, listen } from './listen.ts';
import { CLOSE, closeSocket } from './socket/line.ts';
import { openSockets, type SocketLimits } from './socket/sockets.ts';
import { spread } from './spread.ts';

export type ServerLimits = SocketLimits & HttpLimits & MemoLimits & AdmissionLimits;

export const SERVER_LIMITS: ServerLimits = {
  maxBodyBytes: 2_097_152,
  maxMessageBytes: 2_097_152,
  maxSocketBufferBytes: 4_194_304,
  maxSubscriptionsPerSocket: 50,
  maxSocketsPerTenant: 1_000,
  initTimeoutMs: 5_000,
  idleSocketMs: 600_000,
  pingMs: 15_000,
  closeGraceMs: 5_000,
  maxSharedBytes: 33_554_432,
  maxCommandsInHand: 10_000,
  maxRequestBytesInHand: 67_108_864,
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
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Answers `/health/…` and `/metrics`; false where the request is for something else, and is left untouched. */
  readonly answerOperator?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** The token that GraphiQL is given in development mode. */
  readonly developmentToken?: () => Promise<string>;
  readonly limits?: Partial<ServerLimits>;
}

/** A gateway that listens. */
export interface RunningServer {
  /** `http://127.0.0.1:4000/graphql` */
  readonly url: string;
  readonly port: number;
  /**
   * Stops: closes sockets with 1012 and cuts SSE, one after the other, so that clients come back elsewhere and not all at
   * once; who comes anew is sent away at once. Then takes no request any more, waits for those that are being answered, and
   * cuts what is left after `drainMs` (10 s unless given).
   */
  close(drainMs?: number): Promise<void>;
}

/**
 * Serves GraphQL over HTTP, Server-Sent Events and WebSocket on one port, at `/graphql`.
 * @throws StartupError when the address cannot be listened on
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { authenticate, log, metrics, development } = options;
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const services = { ...options.services, admission: openAdmission(limits, metrics) };
  const mask = errorMask(log, metrics);
  const origins = { allowed: options.allowedOrigins ?? [], loopback: development };
  const guards = openGuards(development, metrics);
  const gateway = createGateway({
    schema,
    guards,
    development,
    origins,
    maxBodyBytes: limits.maxBodyBytes,
    maxSharedBytes: limits.maxSharedBytes,
    mask,
    log,
    metrics,
    developmentToken: options.developmentToken,
  });
  const http = openHttp({ gateway, schema, guards, origins, services, authenticate, mask, limits, metrics });
  const sockets = openSockets({ gateway, services, authenticate, mask, limits, log, metrics });
  const server = createServer((request, response) => {
    measureRequest(metrics, request, response);
    if (options.answerOperator?.(request, response) === true) return;
    if (development && request.url === '/') response.writeHead(302, { location: '/graphql' }).end();
    else http.answer(request, response);
  });
  const closeIdle = trackIdleLines(server);
  let closing: Promise<void> | undefined;
  server.on('upgrade', (request, socket, head) => {
    // Until ws has taken over, a peer that is gone would otherwise end the process.
    socket.on('error', ignore);
    const refusal = refusalOfUpgrade(request, origins);
    if (refusal === undefined) upgrade(sockets, request, socket, head, closing !== undefined);
    else refuseUpgrade(socket, refusal, log);
  });
  const port = await listen(server, options.host, options.port);
  return {
    port,
    url: `${addressOf(options.host, port)}/graphql`,
    close: (drainMs = 10_000) => {
      closing ??= stop({ server, sockets, stopHttp: http.stop, closeIdle }, limits.closeGraceMs, drainMs);
      return closing;
    },
  };
}

const ignore = (): void => undefined;

interface UpgradeRefusal {
  readonly status: '403 Forbidden' | '404 Not Found';
  /** For the log: browsers show their page none of it. */
  readonly why: string;
}

function refusalOfUpgrade(request: IncomingMessage, origins: OriginRules): UpgradeRefusal | undefined {
  const { url = '', headers } = request;
  if (url.split('?', 1)[0] !== '/graphql')
    return { status: '404 Not Found', why: 'sockets are opened at /graphql only' };
  if (!mayOpenSocket(origins, headers))
    return {
      status: '403 Forbidden',
      why: `WAYBILL_ALLOWED_ORIGINS does not have ${headers.origin?.slice(0, 200)}`,
    };
  return undefined;
}

function refuseUpgrade(socket: Duplex, { status, why }: UpgradeRefusal, log: Logger): void {
  log.info({ status, why }, 'a socket was refused');
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function upgrade(
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  stopping: boolean,
): void {
  sockets.handleUpgrade(request, socket, head, (opened) => {
    socket.off('error', ignore);
    // Many clients come back after a close with this code, and give up where a socket cannot be opened at all.
    if (stopping) closeSocket(opened.on('error', ignore), CLOSE.RESTART, LAST_REQUESTS_MS);
    else sockets.emit('connection', opened, request);
  });
}

/** Of the time that a stop may take, this share goes to sending subscribers elsewhere, at most. */
const SPREAD_SHARE = 0.8;
/** How long requests that are on their way when a stop begins may still arrive. */
const LAST_REQUESTS_MS = 200;

interface Parts {
  readonly server: Server;
  readonly sockets: WebSocketServer;
  readonly stopHttp: () => readonly (() => void)[];
  readonly closeIdle: () => void;
}

async function stop(
  { server, sockets, stopHttp, closeIdle }: Parts,
  graceMs: number,
  drainMs: number,
): Promise<void> {
  const began = performance.now();
  const streams = stopHttp();
  const leave = [...sockets.clients].map(
    (socket) => () => closeSocket(socket, CLOSE.RESTART, Math.min(graceMs, drainMs)),
  );
  await spread([...leave, ...streams], drainMs * SPREAD_SHARE);
  // Node closes idle connections at once, also those on which a request is on its way: let these arrive.
  await pause(Math.min(LAST_REQUESTS_MS, drainMs));
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  closeIdle();
  const cut = setTimeout(
    () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
    },
    drainMs - (performance.now() - began),
  );
  await closed;
  clearTimeout(cut);
}
