import type { WebSocket } from 'ws';

/** How often sockets are looked at within the time that is allowed: one is closed at most a quarter of that time late. */
const LOOKS = 4;

/** What the watch needs of a socket. */
export interface WatchedSocket {
  /** True while it runs an operation. */
  isBusy(): boolean;
  /** Called when it has been without any for too long. */
  onIdle(): void;
}

/** One socket under watch. */
export interface IdleMark {
  /** To be called when the socket begins an operation, however short that will be. */
  touch(): void;
  /** Ends the watch. */
  forget(): void;
}

/** Finds sockets that do nothing: each takes memory, and a place of its tenant. */
export interface IdleWatch {
  /** Begins to look; the socket counts as busy now. */
  watch(socket: WatchedSocket): IdleMark;
}

/** Opens the watch over any number of sockets, with one timer for all. */
export function openIdleWatch(idleMs: number): IdleWatch {
  const since = new Map<WatchedSocket, number>();
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    const now = performance.now();
    for (const [socket, busyAt] of since) {
      if (socket.isBusy()) since.set(socket, now);
      else if (now - busyAt >= idleMs) socket.onIdle();
    }
  };

  return {
    watch(socket) {
      const touch = (): void => void since.set(socket, performance.now());
      touch();
      timer ??= setInterval(look, idleMs / LOOKS).unref();
      return {
        touch,
        forget() {
          since.delete(socket);
          if (since.size > 0) return;
          clearInterval(timer);
          timer = undefined;
        },
      };
    },
  };
}

/**
 * Sockets are pinged in so many groups, one group after the other, so that each is pinged once in an interval. All at once would
 * make everybody wait: a stalled socket has a megabyte and more in the system, and to cut it frees that.
 */
const TURNS = 64;

/** Pings sockets, and cuts those that are gone, or read nothing for the whole time between two pings. */
export interface KeepAlive {
  /** From now on, until the socket closes. */
  watch(socket: WebSocket): void;
  /** To be called when it has read some of what waited for it, and so will come to the ping in the end. */
  heard(socket: WebSocket): void;
}

/** For any number of sockets, with one timer: each is pinged every `pingMs`. */
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
  // One listener serves all sockets, and takes the socket from `this`.
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
