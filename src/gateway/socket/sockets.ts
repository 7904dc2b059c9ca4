/**
 * WebSockets that speak graphql-transport-ws: messages come in, frames go out.
 *
 * 1. `connect.ts` opens a socket; `openSockets` puts around it what watches it, and hands it to graphql-ws.
 * 2. `connect.ts` also finds out who calls, once a socket.
 * 3. `operation.ts` prepares and executes each operation, with the engine that HTTP uses.
 * 4. `outflow.ts` sends what graphql-ws says, by ws, and results of subscriptions, which fan-out hands it past graphql-ws, as
 *    frames of its own. `close.ts` has the codes that sockets are closed with.
 * 5. `idle.ts` finds sockets that do nothing, or are gone.
 */
import type { IncomingMessage } from 'node:http';
import { CloseCode, handleProtocols, type WebSocket as Line, makeServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { HeaderReader } from '../../access/authenticate.ts';
import { certificateOf } from '../../access/client-certificate.ts';
import type { ClientLimits, Limit } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { withoutHttp } from '../engine/masking.ts';
import { CLOSE, type CloseReason, closeSocket } from './close.ts';
import { type ConnectOptions, connect, type Extra } from './connect.ts';
import { openIdleWatch, openKeepAlive } from './idle.ts';
import {
  executePrepared,
  formatted,
  type OperationOptions,
  prepare,
  subscribePrepared,
} from './operation.ts';
import { Outflow, type OutflowTerms } from './outflow.ts';

/** What sockets may cost, and how they are watched and closed. */
export interface SocketLimits
  extends Pick<
    ClientLimits,
    | 'maxMessageBytes'
    | 'maxSubscriptionsPerSocket'
    | 'initTimeoutMs'
    | 'idleSocketMs'
    | 'maxSocketBufferBytes'
  > {
  /** How often a socket is pinged; one that has neither answered nor read by the next ping is cut. */
  readonly pingMs: number;
  /** How long a closed socket may take to drain before it is cut. */
  readonly closeGraceMs: number;
}

export interface SocketOptions extends ConnectOptions, OperationOptions {
  readonly limits: SocketLimits;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Speaks graphql-transport-ws on the sockets that are handed to it by their `upgrade`. */
export function openSockets(options: SocketOptions): WebSocketServer {
  const { limits, metrics } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.maxMessageBytes,
    handleProtocols,
  });
  const protocol = openProtocol(options);
  const alive = openKeepAlive(limits.pingMs);
  const terms: OutflowTerms = {
    maxSocketBufferBytes: limits.maxSocketBufferBytes,
    onFlow: (socket) => alive.heard(socket),
    onFull: (socket) => {
      metrics.limits.inc({ limit: 'socket_buffer_bytes' });
      closeSocket(socket, CLOSE.SLOW_CONSUMER, limits.closeGraceMs);
    },
  };
  sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    alive.watch(socket);
    serve(options, protocol, socket, request, new Outflow(socket, request.socket, terms));
  });
  return sockets;
}

type Protocol = ReturnType<typeof openProtocol>;

function openProtocol(options: SocketOptions) {
  const { services, limits, mask } = options;
  const idle = openIdleWatch(limits.idleSocketMs);
  return makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: limits.initTimeoutMs,
    onConnect: (connection) => connect(options, idle, connection),
    onSubscribe: (connection, id, payload) => prepare(options, connection, id, payload),
    execute: (args) => executePrepared(services, args),
    subscribe: (args) => subscribePrepared(services, args),
    onNext: (_connection, _id, _payload, _args, result) => (result.errors ? formatted(result) : undefined),
    onError: (_connection, _id, _payload, errors) => errors.map((error) => withoutHttp(mask(error)).toJSON()),
  });
}

/** Hands one socket to the protocol, from its opening to its close. */
function serve(
  options: SocketOptions,
  protocol: Protocol,
  socket: WebSocket,
  request: IncomingMessage,
  outflow: Outflow,
): void {
  const { limits, log, metrics, mask } = options;
  const met = (limit: Limit): void => metrics.limits.inc({ limit });
  const close = (reason: CloseReason): void => closeSocket(socket, reason, limits.closeGraceMs);
  metrics.sockets.inc();
  const extra: Extra = {
    outflow,
    headers: headersOf(request),
    certificate: certificateOf(request.socket),
    close,
    isOpen: () => socket.readyState === socket.OPEN,
  };
  const closed = protocol.opened(lineOf(socket, extra, met, options), extra);
  socket.on('error', (error) => {
    log.debug({ err: error }, 'socket failed');
    if ('code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') met('message_bytes');
  });
  socket.once('close', (code, reason) => {
    metrics.sockets.dec();
    metrics.socketCloses.inc({ code });
    extra.leave?.();
    closed(code, String(reason)).catch((error: unknown) => mask(error));
  });
}

/**
 * A WebSocket as graphql-ws wants it. `send` is done only when the bytes have left the process, so that a subscription waits
 * for its reader. A message whose handling throws closes the socket with 1011.
 */
function lineOf(
  socket: WebSocket,
  { outflow, close }: Extra,
  met: (limit: Limit) => void,
  { log }: Pick<SocketOptions, 'log'>,
): Line {
  return {
    protocol: socket.protocol,
    // A write that fails is followed by 'close', which ends the subscriptions.
    send: (message) => outflow.send(message),
    close: (code = 1000, reason = '') => {
      if (code === CloseCode.ConnectionInitialisationTimeout) met('init_timeout');
      close([code, reason]);
    },
    onMessage: (listener) => {
      socket.on('message', (data) => {
        listener(String(data)).catch((error: unknown) => {
          log.error({ err: error }, 'a message on a socket could not be handled');
          close(CLOSE.BUG);
        });
      });
    },
  };
}

/** The headers that somebody asks for. A request is not kept: it is many times as large. */
const HEADERS = ['authorization', 'x-api-key', 'traceparent', 'x-correlation-id'];

function headersOf({ headers }: IncomingMessage): HeaderReader {
  const given = HEADERS.flatMap((name): [string, string][] => {
    const value = [headers[name]].flat()[0];
    return value === undefined ? [] : [[name, value]];
  });
  return given.length === 0 ? NO_HEADERS : new Map(given);
}

const NO_HEADERS: HeaderReader = new Map<string, string>();
