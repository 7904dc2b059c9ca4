/**
 * WebSockets that speak graphql-transport-ws: messages come in, frames go out.
 *
 * 1. `upgrade.ts` opens a socket; `openSockets` puts around it what watches it, and hands it to graphql-ws.
 * 2. `connect.ts` finds out who calls, once a socket.
 * 3. `operation.ts` prepares and executes each operation, with the engine that HTTP uses.
 * 4. `line.ts` sends what graphql-ws sends and closes sockets. Results of subscriptions do not pass graphql-ws: fan-out hands
 *    them to `outflow.ts`, which writes them as the frames of `frame.ts`.
 * 5. `idle.ts` and `keep-alive.ts` find sockets that do nothing, or are gone.
 */
import type { IncomingMessage } from 'node:http';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { HeaderReader } from '../../access/authenticate.ts';
import type { ClientLimits, Limit } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { withoutHttp } from '../engine/masking.ts';
import { type ConnectOptions, connect, type Extra, SocketTally } from './connect.ts';
import { openIdleWatch } from './idle.ts';
import { openKeepAlive } from './keep-alive.ts';
import { CLOSE, closeSocket, type LineLimits, lineOf } from './line.ts';
import {
  executePrepared,
  formatted,
  type OperationOptions,
  prepare,
  subscribePrepared,
} from './operation.ts';
import { Outflow, type OutflowTerms } from './outflow.ts';

/** What sockets may cost. */
export type SocketLimits = LineLimits &
  Pick<
    ClientLimits,
    | 'maxMessageBytes'
    | 'maxSubscriptionsPerSocket'
    | 'maxSocketsPerTenant'
    | 'initTimeoutMs'
    | 'idleSocketMs'
    | 'maxSocketBufferBytes'
  >;

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
  const tally = new SocketTally(limits.maxSocketsPerTenant);
  const idle = openIdleWatch(limits.idleSocketMs);
  return makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: limits.initTimeoutMs,
    onConnect: (connection) => connect(options, tally, idle, connection),
    onSubscribe: (connection, id, payload) => prepare(options, connection, id, payload),
    execute: (args) => executePrepared(services, args),
    subscribe: (args) => subscribePrepared(services, args),
    onNext: (_connection, _id, _payload, _args, result) => (result.errors ? formatted(result) : undefined),
    onError: (_connection, _id, _payload, errors) => errors.map((error) => withoutHttp(mask(error)).toJSON()),
  });
}

/** Hands one socket to the protocol, from its opening to its close. */
function serve(
  { limits, log, metrics, mask }: SocketOptions,
  protocol: Protocol,
  socket: WebSocket,
  request: IncomingMessage,
  outflow: Outflow,
): void {
  const met = (limit: Limit): void => metrics.limits.inc({ limit });
  metrics.sockets.inc();
  const extra: Extra = {
    outflow,
    headers: headersOf(request),
    close: (reason) => closeSocket(socket, reason, limits.closeGraceMs),
    isOpen: () => socket.readyState === socket.OPEN,
  };
  const line = lineOf(socket, outflow, limits, log);
  const closed = protocol.opened(
    {
      ...line,
      close(code, reason) {
        if (code === CloseCode.ConnectionInitialisationTimeout) met('init_timeout');
        return line.close(code, reason);
      },
    },
    extra,
  );
  socket.on('error', (error) => {
    if ('code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') met('message_bytes');
  });
  socket.once('close', (code, reason) => {
    metrics.sockets.dec();
    metrics.socketCloses.inc({ code });
    extra.leave?.();
    closed(code, String(reason)).catch((error: unknown) => mask(error));
  });
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
