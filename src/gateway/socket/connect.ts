import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError } from 'graphql';
import type { Context } from 'graphql-ws';
import type { Logger } from 'pino';
import type { WebSocketServer } from 'ws';
import type { Access } from '../../access/access.ts';
import { type Authenticate, credentialsOfConnection, type HeaderReader } from '../../access/authenticate.ts';
import type { ClientCertificate } from '../../access/client-certificate.ts';
import { endMessage, type ProofWatch } from '../../access/proof-watch.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Connection, Connections } from '../engine/connections.ts';
import type { Mask } from '../engine/masking.ts';
import { mayOpenSocket, type OriginRules } from '../engine/origins.ts';
import { CLOSE, type CloseReason, closeSocket } from './close.ts';
import type { IdleWatch } from './idle.ts';
import type { Outflow } from './outflow.ts';

/** What is kept beside each connection. */
export interface Extra {
  readonly headers: HeaderReader;
  /** That the client showed when its line was secured. */
  readonly certificate: ClientCertificate | undefined;
  /** Closes with a code, and cuts the line where that is not read. */
  readonly close: (reason: CloseReason) => void;
  readonly isOpen: () => boolean;
  readonly outflow: Outflow;
  /** Who calls; set by `connect`, as is what follows. */
  access?: Access;
  /** In what its caller has open. */
  connection?: Connection;
  /** To be called when an operation begins. */
  touch?: () => void;
  /** To be called when the socket is closed. */
  leave?: () => void;
}

/** A socket as graphql-ws knows it. */
export type SocketContext = Context<Record<string, unknown>, Extra>;

export interface ConnectOptions {
  readonly authenticate: Authenticate;
  readonly proofs: ProofWatch;
  readonly connections: Connections;
  readonly mask: Mask;
  readonly metrics: Pick<Metrics, 'limits' | 'unauthenticated'>;
}

/**
 * Answers `connection_init`: finds out who is calling, and takes one of the tenant's places.
 * @returns false where the socket has been closed instead: with 4401 for a proof that is not good, 1013 where the proof
 * cannot be checked now, 4429 where the tenant or the caller has too many connections
 */
export async function connect(
  options: ConnectOptions,
  idle: IdleWatch,
  connection: SocketContext,
): Promise<boolean> {
  const { authenticate, metrics, mask } = options;
  const { extra } = connection;
  const refuse = (reason: string, close: CloseReason): false => {
    metrics.unauthenticated.inc({ reason });
    extra.close(close);
    return false;
  };
  const { certificate } = extra;
  const credentials = { ...credentialsOfConnection(connection.connectionParams, extra.headers), certificate };
  // They hold the token, and would be kept for as long as the socket is open.
  Reflect.deleteProperty(connection, 'connectionParams');
  const proof = await authenticate(credentials).catch(mask);
  if (proof instanceof GraphQLError) return refuse('unavailable', CLOSE.TRY_LATER);
  if (proof.access === null) return refuse(proof.reason, [CLOSE.UNAUTHENTICATED[0], proof.message]);
  if (!extra.isOpen()) return false;
  try {
    extra.connection = options.connections.enter(proof.access);
  } catch {
    extra.close(CLOSE.TOO_MANY);
    return false;
  }
  admit(options, connection, proof.access, idle);
  return true;
}

/** From here on the socket is closed when its caller's proof ends, or when it has been idle for too long. */
function admit(
  { proofs, metrics: { limits, unauthenticated } }: ConnectOptions,
  { extra, subscriptions }: SocketContext,
  access: Access,
  idle: IdleWatch,
): void {
  const stop = proofs.watch(access, (why) => {
    if (why === 'expired') limits.inc({ limit: 'token_lifetime' });
    else unauthenticated.inc({ reason: why });
    extra.close([CLOSE.UNAUTHENTICATED[0], endMessage(access, why)]);
  });
  const watched = idle.watch({
    isBusy: () => Object.keys(subscriptions).length > 0,
    onIdle: () => {
      limits.inc({ limit: 'idle_time' });
      extra.close(CLOSE.IDLE);
    },
  });
  extra.access = access;
  extra.touch = watched.touch;
  extra.leave = () => {
    stop();
    watched.forget();
    extra.connection?.leave();
  };
}

/** How long a socket that is opened while the gateway stops may take to close. */
const LATE_CLOSE_MS = 200;

export interface UpgradeOptions {
  readonly sockets: WebSocketServer;
  readonly origins: OriginRules;
  readonly log: Logger;
  /** True from the moment the gateway is asked to stop. */
  readonly stopping: () => boolean;
}

/**
 * Opens a socket where an HTTP connection asks for one at `/graphql`, from a page that may call. Another path is answered
 * with 404, another page with 403; the log says why. While the gateway stops, sockets are opened only to be closed with 1012.
 */
export function acceptUpgrades(server: Server, { sockets, origins, log, stopping }: UpgradeOptions): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Until ws has taken over, a peer that is gone would otherwise end the process.
    socket.on('error', ignore);
    const refusal = refusalOf(request, origins);
    if (refusal !== undefined) {
      refuse(socket, refusal, log);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      socket.off('error', ignore);
      // Many clients come back after a close with this code, and give up where a socket cannot be opened at all.
      if (stopping()) closeSocket(opened.on('error', ignore), CLOSE.RESTART, LATE_CLOSE_MS);
      else sockets.emit('connection', opened, request);
    });
  });
}

interface Refusal {
  readonly status: '403 Forbidden' | '404 Not Found';
  /** For the log: browsers do not show it to their pages. */
  readonly why: string;
}

function refusalOf(request: IncomingMessage, origins: OriginRules): Refusal | undefined {
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

function refuse(socket: Duplex, { status, why }: Refusal, log: Logger): void {
  log.info({ status, why }, 'a socket was refused');
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

const ignore = (): void => undefined;
