import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { LaunchError } from './failure.ts';
import { type MongodKey, prepareKey } from './key.ts';
import { launch, type Mongod } from './launch.ts';
import type { Lock } from './lock.ts';
import { choosePort, isFree } from './port.ts';
import { signal } from './processes.ts';
import { type Binary, findBinary } from './program/binary.ts';
import { pathsIn, readState, stopOrphans, writeState } from './state.ts';
import { supervise } from './supervise.ts';

/** Name of the embedded single-node replica set. */
export const REPLICA_SET = 'waybill';

/** How often another port is tried: between finding a free one and listening on it, another process may take it. */
const PORT_TRIES = 5;

export interface EmbeddedSettings {
  /** Absolute. */
  readonly dataDir: string;
  readonly mongodPath?: string | undefined;
  readonly cacheDir?: string | undefined;
  readonly cacheGb?: number | undefined;
  /** Called once, if mongod died so often that restarting it is pointless. */
  readonly onLost?: ((error: Error) => void) | undefined;
}

/** The embedded server while it runs. */
export interface Embedded {
  readonly uri: string;
  readonly version: string;
  /** Ends mongod cleanly; the lock is released by whoever took it. */
  close(): Promise<void>;
}

/**
 * Runs a mongod of our own on the data folder, which the caller has locked: stops an orphan, finds the binary, starts it on
 * the port of last time, keeps it running, and stops it when this process exits.
 */
export async function openEmbedded(settings: EmbeddedSettings, lock: Lock, log: Logger): Promise<Embedded> {
  const { dataDir } = settings;
  let pid: number | undefined;
  const atExit = () => {
    if (pid !== undefined) signal(pid, 'SIGTERM');
    lock.release();
  };
  process.once('exit', atExit);
  try {
    for (const orphan of await stopOrphans(dataDir))
      log.warn({ mongodPid: orphan }, 'stopped a mongod left behind');
    const before = readState(dataDir);
    const binary = await findBinary(
      { mongodPath: settings.mongodPath, cacheDir: settings.cacheDir, dataVersion: before?.version },
      log,
    );
    const key = prepareKey(dataDir);
    const start = (port: number) => {
      const note = (spawned: number): void => {
        pid = spawned;
        writeState(dataDir, { pid: spawned, port, version: before?.version ?? binary.version, ready: false });
      };
      return startOn(port, settings, { binary, key }, note);
    };
    const mongod = await startSomewhere(before?.port, start);
    log.info(
      { mongodPid: mongod.pid, port: mongod.port, version: binary.version, data: dataDir },
      'started mongod',
    );
    const supervision = supervise(mongod, start, log, settings.onLost);
    return {
      uri: mongod.uri,
      version: binary.version,
      close: async () => {
        await supervision.stop();
        writeState(dataDir, { pid: null, port: mongod.port, version: binary.version, ready: false });
        process.off('exit', atExit);
      },
    };
  } catch (error) {
    process.off('exit', atExit);
    throw error;
  }
}

async function startOn(
  port: number,
  settings: EmbeddedSettings,
  { binary, key }: { readonly binary: Binary; readonly key: MongodKey },
  spawned: (pid: number) => void,
): Promise<Mongod> {
  const { database: folder, log: logFile } = pathsIn(settings.dataDir);
  const options = {
    binary: binary.path,
    folder,
    logFile,
    port,
    replicaSet: REPLICA_SET,
    cacheGb: settings.cacheGb,
    key,
  };
  const mongod = await launch(options, spawned);
  writeState(settings.dataDir, { pid: mongod.pid, port, version: binary.version, ready: true });
  return mongod;
}

/**
 * How long the port of last time is waited for. Other processes that share this server know it there and nowhere else, and
 * whoever holds the port for a moment, looking whether it is free, gives it back.
 */
const PORT_PATIENCE_MS = 2_000;
const PORT_LOOK_MS = 50;

/** Starts on the port of last time if that is free, else on another; tries again if that one is taken in between. */
async function startSomewhere(
  preferred: number | undefined,
  start: (port: number) => Promise<Mongod>,
): Promise<Mongod> {
  const deadline = Date.now() + PORT_PATIENCE_MS;
  while (preferred !== undefined && Date.now() < deadline && !(await isFree(preferred)))
    await pause(PORT_LOOK_MS);
  for (let i = 1; ; i++) {
    try {
      return await start(await choosePort(preferred));
    } catch (error) {
      const again = error instanceof LaunchError && error.reason === 'port taken' && i < PORT_TRIES;
      if (!again) throw error;
    }
  }
}
