import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Mongod } from './launch.ts';

/** Where mongod dies more often than this within the window, restarting does not help. */
const RESTARTS = 5;
const WINDOW_MS = 10 * 60_000;
/** The wait before a restart is this, times the number of restarts in the window so far. */
const PAUSE_MS = 500;

/** Keeps one mongod running. */
export interface Supervision {
  /** Ends the supervision and then mongod, cleanly. */
  stop(): Promise<void>;
}

/**
 * Starts mongod again, on the same port, when it ends without being told to (killed, crashed, out of memory). The driver
 * finds it again by itself; operations meanwhile fail or wait as with any failover. Each restart is logged; after too
 * many `onLost` is called and nothing more is tried.
 */
export function supervise(
  first: Mongod,
  start: (port: number) => Promise<Mongod>,
  log: Logger,
  onLost: (error: Error) => void = () => undefined,
): Supervision {
  const stopping = new AbortController();
  let current = first;

  const running = (async () => {
    const deaths: number[] = [];
    while (true) {
      const exit = await current.exited;
      if (stopping.signal.aborted) return;
      log.error(
        { mongodPid: current.pid, code: exit.code, signal: exit.signal },
        'mongod ended unexpectedly',
      );
      const next = await revive(deaths);
      if (next === undefined) return;
      current = next;
      // `stop` came while this one was being started, so it has not been stopped yet.
      if (stopping.signal.aborted) return current.stop();
      log.warn({ mongodPid: current.pid, port: current.port }, 'mongod runs again');
    }
  })();

  /** Restarts until it works or the limit is reached. */
  async function revive(deaths: number[]): Promise<Mongod | undefined> {
    let why: unknown;
    while (!stopping.signal.aborted) {
      const now = Date.now();
      deaths.push(now);
      const recent = deaths.filter((at) => at > now - WINDOW_MS).length;
      if (recent > RESTARTS) return giveUp(why);
      await pause(PAUSE_MS * (recent - 1), undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return undefined;
      try {
        return await start(first.port);
      } catch (error) {
        why = error;
        log.error({ err: error }, 'mongod could not be restarted');
      }
    }
    return undefined;
  }

  function giveUp(why: unknown): undefined {
    const error = new Error(`mongod ended more than ${RESTARTS} times within ${WINDOW_MS / 60_000} minutes`, {
      cause: why,
    });
    log.fatal({ err: error }, 'gave up restarting mongod');
    onLost(error);
  }

  return {
    stop: async () => {
      stopping.abort();
      await current.stop();
      await running;
    },
  };
}
