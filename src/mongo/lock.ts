import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFirst } from './first-file.ts';
import { beganAt, isAlive } from './processes.ts';
import { StartupError } from './startup-error.ts';

/** Who uses the data folder: the gateway, or a short command that found no gateway running. */
export type HolderRole = 'gateway' | 'command';

const holderSchema = z.object({
  pid: z.int().positive(),
  /** With the pid it names one process for ever; absent where the system does not tell. */
  beganAt: z.string().optional(),
  host: z.string(),
  role: z.enum(['gateway', 'command']),
});

export type Holder = z.infer<typeof holderSchema>;

/** The data folder belongs to another live process. */
export class FolderInUse extends StartupError {
  readonly holder: Holder;
  constructor(folder: string, holder: Holder) {
    const who = holder.role === 'gateway' ? 'another gateway' : 'a waybill command';
    super(
      `The data folder ${folder} is in use by ${who}, process ${holder.pid}. Stop that one first, or give this one a ` +
        'folder of its own by WAYBILL_DATA. Several can share it only as --role gateway or --role projector.',
    );
    this.holder = holder;
  }
}

export interface Lock {
  /** Gives the folder free; synchronous, so that it works while the process exits. */
  release(): void;
}

/** Attempts to take over a lock whose holder has died, before giving way to whoever else is at it. */
const TRIES = 5;

/**
 * Takes the data folder for this process. A lock that a dead process left is taken over. That a process with its pid runs
 * does not keep the lock, since pids are reused (in containers nearly always the same ones).
 * @throws FolderInUse while the holder lives
 */
export function lock(folder: string, role: HolderRole): Lock {
  const path = lockFile(folder);
  const mine: Holder = { pid: process.pid, host: hostname(), role, beganAt: beganAt(process.pid) };
  for (let i = 0; i < TRIES; i++) {
    if (makeFirst(path, JSON.stringify(mine))) return { release: () => release(path) };
    const holder = liveHolder(folder);
    if (holder !== undefined) throw new FolderInUse(folder, holder);
    discard(path);
  }
  throw new StartupError(`Several processes are starting on the data folder ${folder} at once. Start one.`);
}

/** Who holds the folder right now; undefined if nobody alive does. */
export function liveHolder(folder: string): Holder | undefined {
  const holder = read(lockFile(folder));
  if (holder === undefined) return undefined;
  // A folder that came here from another host (a container's volume) says nothing about the processes of this one.
  // Should both really run, mongod's own lock on its files keeps them apart.
  if (holder.host !== hostname() || !isAlive(holder.pid)) return undefined;
  return holder.beganAt === undefined || holder.beganAt === beganAt(holder.pid) ? holder : undefined;
}

function lockFile(folder: string): string {
  return join(folder, 'gateway.lock');
}

/** Moves a dead process's lock away; puts it back if a live one had taken its place in between. */
function discard(path: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch {
    // Another process was quicker.
    return;
  }
  const found = read(aside);
  const alive = found !== undefined && isAlive(found.pid) && found.beganAt === beganAt(found.pid);
  if (alive && found.host === hostname()) linkBack(aside, path);
  rmSync(aside, { force: true });
}

function linkBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch {
    // A third process has the lock now; mongod's own lock still keeps two of them apart.
  }
}

function release(path: string): void {
  if (read(path)?.pid === process.pid) rmSync(path, { force: true });
}

function read(path: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
