/** How often the watch looks within the time that is allowed: a socket is closed at most a quarter of it late. */
const LOOKS = 4;

/** A socket as far as this matters. */
export interface Idler {
  /** True while it runs an operation. */
  isBusy(): boolean;
  /** Told once it has been without any for too long. */
  onIdle(): void;
}

/** Looks for sockets that do nothing: each costs memory and a place of its tenant's. */
export interface IdleWatch {
  /** Begins to look; the socket counts as busy now. */
  watch(socket: Idler): void;
  /** It has begun an operation, however short that will be. */
  touch(socket: Idler): void;
  forget(socket: Idler): void;
}

/** Opens the watch over any number of sockets, with one timer for all. */
export function openIdleWatch(idleMs: number): IdleWatch {
  const since = new Map<Idler, number>();
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    const now = performance.now();
    for (const [socket, busyAt] of since) {
      if (socket.isBusy()) since.set(socket, now);
      else if (now - busyAt >= idleMs) socket.onIdle();
    }
  };

  const touch = (socket: Idler): void => void since.set(socket, performance.now());
  return {
    watch(socket) {
      touch(socket);
      timer ??= setInterval(look, idleMs / LOOKS).unref();
    },
    touch,
    forget(socket) {
      since.delete(socket);
      if (since.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    },
  };
}
