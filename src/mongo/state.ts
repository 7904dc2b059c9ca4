import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { awaitEnd, commandLine, isAlive, stopProcess } from './processes.ts';

const stateSchema = z.object({
  /** Of the running mongod; null when it was stopped. */
  pid: z.int().positive().nullable(),
  /** Kept from run to run, so that addresses noted elsewhere stay valid. */
  port: z.int().positive(),
  /** Of the mongod that last opened the data, e.g. `6.0.5`. */
  version: z.string(),
  /** True while it takes connections. */
  ready: z.boolean(),
});

/** What is known of the embedded mongod, in `<data>/mongod.json`. */
export type State = z.infer<typeof stateSchema>;

/** The embedded server's files below the data folder. */
export function pathsIn(dataDir: string) {
  return {
    database: join(dataDir, 'mongod'),
    log: join(dataDir, 'mongod.log'),
    state: join(dataDir, 'mongod.json'),
  };
}

/** Reads the state; undefined if there is none, or it cannot be understood. */
export function readState(dataDir: string): State | undefined {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(pathsIn(dataDir).state, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Replaces the state at once; a reader never sees half of it. */
export function writeState(dataDir: string, state: State): void {
  const path = pathsIn(dataDir).state;
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(state)}\n`);
  renameSync(draft, path);
}

/** True if this process is a mongod on this data folder, and not one that was given the old one's pid. */
export function isOurMongod(pid: number, dataDir: string): boolean {
  if (!isAlive(pid)) return false;
  return commandLine(pid)?.includes(` --dbpath ${pathsIn(dataDir).database} `) === true;
}

/**
 * Stops a mongod that its gateway left behind (`kill -9`). It is not adopted: a restart takes a second, and ends the dead
 * gateway's open transactions, which would block ours.
 * Returns the pids that were stopped.
 */
export async function stopOrphans(dataDir: string): Promise<number[]> {
  const noted = [...new Set([readState(dataDir)?.pid, pidInLockFile(dataDir)])].filter(
    (pid) => typeof pid === 'number',
  );
  const orphans = noted.filter((pid) => isOurMongod(pid, dataDir));
  // One that is ending has no command line any more to know it by.
  await Promise.all(noted.map((pid) => awaitEnd(pid)));
  await Promise.all(orphans.map((pid) => stopProcess(pid)));
  return orphans;
}

/** mongod notes its pid in its own lock file, earlier than we can in ours. */
function pidInLockFile(dataDir: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(join(pathsIn(dataDir).database, 'mongod.lock'), 'utf8'), 10);
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
