import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, rename } from 'node:fs/promises';
import { explainExit } from './failure.ts';
import { ownUri } from './key.ts';
import type { Exit, LaunchOptions } from './launch-options.ts';
import { LOOPBACK } from './port.ts';
import { stopProcess } from './processes.ts';
import { becomePrimary } from './replica-set.ts';

/**
 * The locks of a process that was killed inside a transaction stay until this has passed; MongoDB's default of 60 s would
 * block the successor for a minute. No transaction of ours takes longer than a fraction of a second.
 */
const TRANSACTION_LIFETIME_S = 5;
/** A primary that stops waits for another member to take over, 15 s by default; in a set of one there is none. */
const HANDOVER_MS = 100;
/** Enough for hours of a busy fleet to resume change streams from; the default of 5 % of the disk is too much. */
const OPLOG_MB = 1_024;
const CACHE_GB = 0.5;
/**
 * Nobody comes in without the key, not even to a mongod that has no users yet. Its passwords are random and long, so that the
 * least work per login that MongoDB allows is enough: what slows guesses of weak passwords would only slow starts.
 */
const AUTHENTICATION = { enableLocalhostAuthBypass: 'false', scramSHA256IterationCount: 5_000 };
/** How long a start may take: recovering a big journal after a crash takes a while, but a hang must end. */
const START_TIMEOUT_MS = 180_000;

/** A running mongod. */
export interface Mongod {
  readonly pid: number;
  readonly port: number;
  /** Connection string, without a database; it holds the password where there is one. */
  readonly uri: string;
  readonly exited: Promise<Exit>;
  /** Ends it cleanly (SIGTERM, later SIGKILL) and waits until it is gone. */
  stop(): Promise<void>;
}

/**
 * Starts mongod and resolves once it takes writes: for a replica set, once it is the primary of its single-node set.
 * @param spawned called with the pid at once, before it is known whether the start succeeds
 * @throws LaunchError that says in a sentence why it did not start
 */
export async function launch(options: LaunchOptions, spawned?: (pid: number) => void): Promise<Mongod> {
  const mongod = await spawnMongod(options);
  spawned?.(mongod.pid);
  await ready(options, mongod.pid, mongod.exited);
  return mongod;
}

/** Like `launch`, without waiting for it to be ready: for members of a set that elect their primary themselves. */
export async function spawnMongod(options: LaunchOptions): Promise<Mongod> {
  await mkdir(options.folder, { recursive: true });
  // The logs of this run and of the one before are kept: enough to see what happened, and they do not grow for ever.
  await rename(options.logFile, previousLogFile(options.logFile)).catch(() => undefined);
  const child = spawn(options.binary, args(options), {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A process group of its own: Ctrl-C in the terminal reaches this process only, which stops mongod last, when all is written.
    detached: true,
  });
  const exited = watch(child);
  const { pid } = child;
  if (pid === undefined) throw explainExit(await exited, options);
  return {
    pid,
    port: options.port,
    uri: ownUri([`${LOOPBACK}:${options.port}`], options.replicaSet, options.key),
    exited,
    stop: async () => {
      await stopProcess(pid, () => child.exitCode !== null || child.signalCode !== null);
      await exited;
    },
  };
}

async function ready(options: LaunchOptions, pid: number, exited: Promise<Exit>): Promise<void> {
  const abort = new AbortController();
  const died = exited.then((exit) => {
    abort.abort();
    throw explainExit(exit, options);
  });
  const deadline = AbortSignal.any([abort.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  const host = `${LOOPBACK}:${options.port}`;
  const { replicaSet, key } = options;
  const primary = becomePrimary({ host, replicaSet, key, pid, signal: deadline });
  try {
    await Promise.race([died, primary]);
  } catch (error) {
    // The one that lost the race may fail later; without a handler that would end this process.
    died.catch(() => undefined);
    primary.catch(() => undefined);
    await stopProcess(pid);
    throw error;
  }
  died.catch(() => undefined);
}

function args(options: LaunchOptions): string[] {
  const parameters = {
    transactionLifetimeLimitSeconds: TRANSACTION_LIFETIME_S,
    shutdownTimeoutMillisForSignaledShutdown: HANDOVER_MS,
    // Diagnostics would be written to disk all day long, and nobody reads them.
    diagnosticDataCollectionEnabled: 'false',
    ...(options.key === undefined ? {} : AUTHENTICATION),
    ...options.setParameters,
  };
  return [
    ...['--dbpath', options.folder, '--port', String(options.port), '--bind_ip', LOOPBACK],
    ...(process.platform === 'win32' ? [] : ['--nounixsocket']),
    ...['--logpath', options.logFile, '--logappend', '--quiet'],
    ...['--wiredTigerCacheSizeGB', String(options.cacheGb ?? CACHE_GB)],
    ...(options.checkpointS === undefined ? [] : ['--syncdelay', String(options.checkpointS)]),
    ...(options.replicaSet === null
      ? []
      : ['--replSet', options.replicaSet, '--oplogSize', String(options.oplogMb ?? OPLOG_MB)]),
    ...(options.key === undefined ? [] : ['--keyFile', options.key.path]),
    ...Object.entries(parameters).flatMap(([name, value]) => ['--setParameter', `${name}=${value}`]),
  ];
}

function watch(child: ChildProcess): Promise<Exit> {
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4_000);
  });
  return new Promise((resolve) => {
    child.once('error', (error) =>
      resolve({ code: null, signal: null, stderr: `${stderr}${error.message}` }),
    );
    child.once('close', (code, signal) => resolve({ code, signal, stderr }));
  });
}

function previousLogFile(logFile: string): string {
  return logFile.replace(/(\.log)?$/, '.previous.log');
}
