import type { WebSocket } from 'ws';

/**
 * All sockets are pinged once in an interval, but never all at once: by turns, in so many groups. To cut those that have
 * stalled takes longest: a megabyte and more of each waits in the system, and is let go of while everybody else waits.
 */
const TURNS = 64;

/** Pings sockets; one that is gone, or takes nothing for the whole time between two pings, is cut. */
export interface KeepAlive {
  /** From now on, until the socket closes. */
  watch(socket: WebSocket): void;
  /** It has read of what waited for it, and so will come to the ping in the end. */
  heard(socket: WebSocket): void;
}

/** Opens it for any number of sockets, with one timer for all: each is pinged every `pingMs`. */
export function openKeepAlive(pingMs: number): KeepAlive {
  const turns = Array.from({ length: TURNS }, () => new Set<WebSocket>());
  const silent = new WeakSet<WebSocket>();
  let turn = 0;
  /** The group of the next socket: many are opened within one turn. */
  let next = 0;
  let watched = 0;
  let timer: NodeJS.Timeout | undefined;

  const ping = (): void => {
    turn = (turn + 1) % TURNS;
    for (const socket of turns[turn] ?? []) {
      if (silent.has(socket)) socket.terminate();
      else if (socket.readyState === socket.OPEN) {
        silent.add(socket);
        socket.ping();
      }
    }
  };
  // Shared by all sockets, too, which is why they take theirs from `this`.
  function heard(this: WebSocket): void {
    silent.delete(this);
  }
  function forget(this: WebSocket): void {
    for (const sockets of turns) if (sockets.delete(this)) watched -= 1;
    if (watched === 0) clearInterval(timer);
  }

  return {
    watch(socket) {
      next = (next + 1) % TURNS;
      turns[next]?.add(socket);
      if (watched === 0) timer = setInterval(ping, pingMs / TURNS).unref();
      watched += 1;
      socket.on('pong', heard);
      socket.once('close', forget);
    },
    heard: (socket) => void silent.delete(socket),
  };
}
