import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, rename } from 'node:fs/promises';
import { explainExit } from './failure.ts';
import { LOOPBACK } from './port.ts';
import { stopProcess } from './processes.ts';
import { becomePrimary } from './replica-set.ts';

/**
 * A process killed inside a transaction leaves its locks behind until this has passed; MongoDB's default of 60 s would
 * block the successor for a minute. No transaction of ours takes longer than a fraction of a second.
 */
const TRANSACTION_LIFETIME_S = 5;
/** Alone, a primary that is told to stop has nobody to hand over to; the default waits 15 s for one. */
const HANDOVER_MS = 100;
/** Enough for hours of a busy fleet to resume change streams from; the default of 5 % of the disk is too much. */
const OPLOG_MB = 1_024;
const CACHE_GB = 0.5;
/** Recovery of a big journal after a crash takes a while; a hang should end some time. */
const START_PATIENCE_MS = 180_000;

export interface LaunchOptions {
  readonly binary: string;
  /** The dbpath, absolute; made if missing. */
  readonly folder: string;
  readonly logFile: string;
  readonly port: number;
  /** Name of the single-node replica set; null starts a standalone (tests only). */
  readonly replicaSet: string | null;
  /** WiredTiger's cache in GiB, 0.25 or more. */
  readonly cacheGb?: number | undefined;
  /** Room for the history of changes, in MB; 1,024 if absent. */
  readonly oplogMb?: number | undefined;
  /** Between two checkpoints, in s; MongoDB's minute if absent. */
  readonly checkpointS?: number | undefined;
  readonly setParameters?: Readonly<Record<string, string | number>>;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last of what it wrote to stderr; mongod itself writes to its log file. */
  readonly stderr: string;
}

/** A running mongod. */
export interface Mongod {
  readonly pid: number;
  readonly port: number;
  /** Connection string, without a database. */
  readonly uri: string;
  readonly exited: Promise<Exit>;
  /** Ends it cleanly (SIGTERM, later SIGKILL) and waits until it is gone. */
  stop(): Promise<void>;
}

/**
 * Starts mongod and resolves once it takes writes: for a replica set, once it is the primary of its single-node set.
 * `spawned` is told the pid at once, before it is known whether the start succeeds.
 * Throws StartupError that says in a sentence why it did not start.
 */
export async function launch(options: LaunchOptions, spawned?: (pid: number) => void): Promise<Mongod> {
  const mongod = await spawnMongod(options);
  spawned?.(mongod.pid);
  await ready(options, mongod.pid, mongod.exited);
  return mongod;
}

/** As `launch`, without waiting for anything: for members of a set whose primary is for them to elect. */
export async function spawnMongod(options: LaunchOptions): Promise<Mongod> {
  await mkdir(options.folder, { recursive: true });
  // One log per run and that of the run before: enough to see what happened, and it does not grow for ever.
  await rename(options.logFile, previous(options.logFile)).catch(() => undefined);
  const child = spawn(options.binary, args(options), {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A process group of its own: Ctrl-C in the terminal reaches only us, and we stop it last, when all is written.
    detached: true,
  });
  const exited = watch(child);
  const { pid } = child;
  if (pid === undefined) throw explainExit(await exited, options);
  const uri = `mongodb://${LOOPBACK}:${options.port}/`;
  return {
    pid,
    port: options.port,
    uri: options.replicaSet === null ? uri : `${uri}?replicaSet=${options.replicaSet}`,
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
  const patience = AbortSignal.any([abort.signal, AbortSignal.timeout(START_PATIENCE_MS)]);
  const host = `${LOOPBACK}:${options.port}`;
  const primary = becomePrimary({ host, replicaSet: options.replicaSet, pid, signal: patience });
  try {
    await Promise.race([died, primary]);
  } catch (error) {
    // Whoever lost the race must not fail unheard.
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
    // The diagnostics recorder writes all day long, for nobody.
    diagnosticDataCollectionEnabled: 'false',
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

function previous(logFile: string): string {
  return logFile.replace(/(\.log)?$/, '.previous.log');
}
