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
