import type { WebSocket as Line } from 'graphql-ws';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { Outflow } from './outflow.ts';

/** Close codes that the gateway uses; graphql-ws uses some more between 4400 and 4429, which its protocol names. */
export const CLOSE = {
  RESTART: [1012, 'Service restart'],
  TRY_LATER: [1013, 'Try again later'],
  BUG: [1011, 'Internal error'],
  UNAUTHENTICATED: [4401, 'Unauthenticated'],
  SLOW_CONSUMER: [4408, 'Slow consumer'],
  IDLE: [4410, 'No operation for too long'],
  TOO_MANY: [4429, 'Too many requests'],
} as const satisfies Record<string, CloseReason>;

export type CloseReason = readonly [code: number, reason: string];

/** A close frame holds 125 bytes, two of them the code. */
const MAX_REASON_BYTES = 123;

/** How a socket is watched and closed. */
export interface LineLimits {
  /** How often a socket is pinged; one that has neither answered nor read by the next ping is cut. */
  readonly pingMs: number;
  /** How long a closed socket may take to drain before it is cut. */
  readonly closeGraceMs: number;
}

/** Closes, and after `graceMs` cuts the line of a peer that reads too slowly to take part in closing. */
export function closeSocket(socket: WebSocket, [code, reason]: CloseReason, graceMs: number): void {
  if (socket.readyState !== socket.OPEN) return;
  const fits = Buffer.byteLength(reason) <= MAX_REASON_BYTES;
  socket.close(code, fits ? reason : '');
  const cut = setTimeout(() => socket.terminate(), graceMs).unref();
  socket.once('close', () => clearTimeout(cut));
}

/**
 * A WebSocket as graphql-ws wants it. `send` is done only when the bytes have left the process, so that a subscription waits
 * for its reader. A message whose handling throws closes the socket with 1011.
 */
export function lineOf(socket: WebSocket, outflow: Outflow, limits: LineLimits, log: Logger): Line {
  const close = (reason: CloseReason): void => closeSocket(socket, reason, limits.closeGraceMs);
  socket.on('error', (error) => log.debug({ err: error }, 'socket failed'));
  return {
    protocol: socket.protocol,
    // A write that fails is followed by 'close', which ends the subscriptions.
    send: (message) => outflow.send(message),
    close: (code = 1000, reason = '') => close([code, reason]),
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
