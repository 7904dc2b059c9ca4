import type { Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { WebSocketServer } from 'ws';
import { CLOSE, closeSocket } from './socket/close.ts';

/** How long a stop may take, unless its caller says otherwise. */
export const DRAIN_MS = 10_000;
/** Of that time, this share goes to sending subscribers elsewhere, at most. */
const SPREAD_SHARE = 0.8;
/** How long requests that are on their way when a stop begins may still arrive. */
const LAST_REQUESTS_MS = 200;
/** Between two subscribers that are sent away where there is time enough: a hundred a second come to where others are served. */
const GAP_MS = 10;

/** What of a server has to be stopped. */
export interface Stoppable {
  readonly server: Server;
  readonly sockets: WebSocketServer;
  /** Lets HTTP begin no stream any more. @returns how to cut each of those that there are */
  readonly stopHttp: () => readonly (() => void)[];
  /** Closes the connections that wait without a request. */
  readonly closeIdle: () => void;
}

/**
 * Sends subscribers elsewhere, lets the requests under way be answered, and cuts what is left then.
 * @param graceMs how long a socket may take to close
 * @param drainMs the longest that all of it may take
 */
export async function stop(
  { server, sockets, stopHttp, closeIdle }: Stoppable,
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

/**
 * Does things one after the other at an even pace, the first at once, so that whoever they send away does not come back in
 * one instant.
 * @param withinMs the longest it may take; with many things the pace is faster
 */
async function spread(things: readonly (() => void)[], withinMs: number): Promise<void> {
  const gapMs = Math.min(GAP_MS, withinMs / Math.max(1, things.length));
  const began = performance.now();
  for (const [index, thing] of things.entries()) {
    const waitMs = began + index * gapMs - performance.now();
    // Timers are not that fine: several may be due at once.
    if (waitMs >= 1) await pause(waitMs);
    thing();
  }
}
