import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { REPLICA_SET } from './embedded.ts';
import { ownUri, readKey } from './key.ts';
import { FolderInUse, type HolderRole, type Lock, liveHolder, lock } from './lock.ts';
import { LOOPBACK } from './port.ts';
import { StartupError } from './startup-error.ts';
import { isOurMongod, readState } from './state.ts';

/** How long a command may hold the folder; commands take seconds. */
const COMMAND_TIMEOUT_MS = 30_000;
/** How long a gateway that was started at the same moment may take; it may be downloading. */
const GATEWAY_TIMEOUT_MS = 120_000;
const CHECK_EVERY_MS = 100;

/**
 * Takes the data folder. Another gateway on it is an error at once (FolderInUse); a command that uses it is waited for, since
 * it ends by itself.
 */
export async function lockWhenFree(dataDir: string, role: HolderRole, log: Logger): Promise<Lock> {
  const deadline = Date.now() + COMMAND_TIMEOUT_MS;
  for (let told = false; ; told = true) {
    try {
      return lock(dataDir, role);
    } catch (error) {
      const wait = error instanceof FolderInUse && error.holder.role === 'command' && Date.now() < deadline;
      if (!wait) throw error;
      if (!told) log.info(`Waiting for the waybill command with process id ${error.holder.pid} to end.`);
      await pause(CHECK_EVERY_MS);
    }
  }
}

/**
 * For a command, or one of several processes: the address of the running gateway's server, or, where no gateway runs, the
 * lock on the folder so that the caller can start a server itself.
 */
export async function joinOrLock(
  dataDir: string,
  role: HolderRole,
  log: Logger,
): Promise<{ uri: string } | { lock: Lock }> {
  const deadline = Date.now() + GATEWAY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (liveHolder(dataDir)?.role === 'gateway') {
      const uri = runningServer(dataDir);
      if (uri !== undefined) return { uri };
      await pause(CHECK_EVERY_MS);
      continue;
    }
    try {
      return { lock: await lockWhenFree(dataDir, role, log) };
    } catch (error) {
      // A gateway took it in between: join that one.
      if (!(error instanceof FolderInUse && error.holder.role === 'gateway')) throw error;
    }
  }
  throw new StartupError(`A gateway is starting on the data folder ${dataDir}, but does not get ready.`);
}

/** How often a joined server is looked for, in ms. */
const WATCH_MS = 2_000;

/**
 * Watches where the joined server runs. It keeps its port from run to run, unless that is taken by then: the driver, which
 * knows the old one only, would look for it in vain for ever.
 * @param onMoved told once
 */
export function watchServer(
  dataDir: string,
  uri: string,
  onMoved: (error: Error) => void = () => undefined,
): { stop(): void } {
  const timer = setInterval(() => {
    const now = runningServer(dataDir);
    if (now === undefined || now === uri) return;
    clearInterval(timer);
    onMoved(new StartupError('The shared mongod runs on another port by now. Start this process again.'));
  }, WATCH_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

function runningServer(dataDir: string): string | undefined {
  const state = readState(dataDir);
  if (!state?.ready || state.pid === null || !isOurMongod(state.pid, dataDir)) return undefined;
  return ownUri([`${LOOPBACK}:${state.port}`], REPLICA_SET, readKey(dataDir));
}
