import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { hasCode } from './first-file.ts';

/** How long a clean stop may take: it writes a checkpoint, slowly on a slow disk. After a kill the journal recovers. */
const STOP_TIMEOUT_MS = 30_000;
const CHECK_EVERY_MS = 25;

/**
 * True if a process with this id runs, whichever user it belongs to. A zombie (dead, not yet reaped) does not run, once all
 * of its threads have ended (`isEnding`).
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, but is someone else's.
    return hasCode(error, 'EPERM');
  }
  return !isZombie(pid) || isEnding(pid);
}

/**
 * True for a process that shows as a zombie while threads of it are still ending: until the last one has gone, it keeps its
 * ports and the locks on its files. On a busy machine that takes a while, for a mongod more often than not (measured).
 */
export function isEnding(pid: number): boolean {
  return isZombie(pid) && threadsOf(pid) > 1;
}

function isZombie(pid: number): boolean {
  const stat = process.platform === 'linux' ? read(`/proc/${pid}/stat`) : undefined;
  return stat !== undefined && /^\d+ \(.*\) Z/s.test(stat);
}

function threadsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length;
  } catch {
    return 0;
  }
}

/** Waits until a process that is ending has gone, but no longer than a clean stop may take. */
export async function awaitEnd(pid: number): Promise<void> {
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (isEnding(pid) && Date.now() < deadline) await pause(CHECK_EVERY_MS);
}

/**
 * When a process began, as an opaque string. Pid and beginning together name one process for ever; a pid alone is soon
 * given to another. Undefined if it does not run, or the system does not tell.
 */
export function beganAt(pid: number): string | undefined {
  if (process.platform === 'win32') return undefined;
  if (process.platform !== 'linux') return ask('ps', ['-o', 'lstart=', '-p', String(pid)]);
  const stat = read(`/proc/${pid}/stat`);
  // Field 22, in ticks since boot (proc(5)); the name in field 2 may hold spaces, so count from its bracket.
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return ticks === undefined ? undefined : `${read('/proc/sys/kernel/random/boot_id')?.trim()}:${ticks}`;
}

/** The command line of a process, words separated by spaces; undefined if it does not run or cannot be asked. */
export function commandLine(pid: number): string | undefined {
  if (process.platform === 'win32') return undefined;
  if (process.platform === 'linux') return read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim();
  return ask('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
}

/** Ends a process with SIGTERM, and with SIGKILL if it has not gone in time; resolves when it has gone. */
export async function stopProcess(pid: number, gone: () => boolean = () => !isAlive(pid)): Promise<void> {
  if (gone()) return;
  signal(pid, 'SIGTERM');
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  let killed = false;
  while (!gone()) {
    if (!killed && Date.now() > deadline) killed = signal(pid, 'SIGKILL');
    await pause(CHECK_EVERY_MS);
  }
}

/** Sends a signal; false if there is no such process any more. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function ask(program: string, args: string[]): string | undefined {
  try {
    return (
      execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() ||
      undefined
    );
  } catch {
    return undefined;
  }
}
