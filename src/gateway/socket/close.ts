import type { WebSocket } from 'ws';

/** Close codes that the gateway uses; graphql-ws uses some more between 4400 and 4429, which its protocol names. */
export const CLOSE = {
  RESTART: [1012, 'Service restart'],
  TRY_LATER: [1013, 'Try again later'],
  BUG: [1011, 'Internal error'],
  BAD_REQUEST: [4400, 'Bad request'],
  UNAUTHENTICATED: [4401, 'Unauthenticated'],
  SLOW_CONSUMER: [4408, 'Slow consumer'],
  IDLE: [4410, 'No operation for too long'],
  TOO_MANY: [4429, 'Too many requests'],
} as const satisfies Record<string, CloseReason>;

export type CloseReason = readonly [code: number, reason: string];

/** A close frame holds 125 bytes, two of them the code. */
const MAX_REASON_BYTES = 123;

/** Closes, and after `graceMs` cuts the line of a peer that reads too slowly to take part in closing. */
export function closeSocket(socket: WebSocket, [code, reason]: CloseReason, graceMs: number): void {
  if (socket.readyState !== socket.OPEN) return;
  const fits = Buffer.byteLength(reason) <= MAX_REASON_BYTES;
  socket.close(code, fits ? reason : '');
  const cut = setTimeout(() => socket.terminate(), graceMs).unref();
  socket.once('close', () => clearTimeout(cut));
}
