import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { WebSocketServer } from 'ws';
import { mayOpenSocket, type OriginRules } from '../engine/origins.ts';
import { CLOSE, closeSocket } from './close.ts';

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
