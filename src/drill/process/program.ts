import { type ChildProcess, spawn } from 'node:child_process';
import type { Scratch } from '../drill.ts';

/** Waybill's program in a process of its own, on the drill's database. */
export interface RunningProgram {
  readonly process: ChildProcess;
  /** Resolves with the exit code, null where it was killed; rejects where it could not be started. */
  readonly ended: Promise<number | null>;
  /** The end of what it has printed so far. */
  printed(): string;
  /** Less of it, for the message of an error. */
  lastOutput(): string;
  /** Ends it like a power cut; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface ProgramOptions {
  /** The command and what follows it. */
  readonly args: readonly string[];
  /** Variables beside those that the drill was started with. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly nodeFlags?: readonly string[];
}

/** Node's options for a gateway, as `npm start` gives them. */
export const GATEWAY_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=128'];

/** How much of what was printed is kept, in characters. */
const PRINTED_KEPT = 2_000;
const LAST_OUTPUT = 500;

/** Starts the program. */
export function startProgram(
  { program, variables }: Scratch,
  { args, variables: more = {}, nodeFlags = [] }: ProgramOptions,
): RunningProgram {
  const child = spawn(process.execPath, [...nodeFlags, program, ...args], {
    env: { ...variables, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const add = (chunk: Buffer): void => {
    printed = `${printed}${chunk}`.slice(-PRINTED_KEPT);
  };
  child.stdout.on('data', add);
  child.stderr.on('data', add);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
  // Callers that wait for it see the failure; where none waits, it must not end this process.
  ended.catch(() => undefined);
  return {
    process: child,
    ended,
    printed: () => printed,
    lastOutput: () => printed.trim().slice(-LAST_OUTPUT),
    async kill() {
      child.kill('SIGKILL');
      await ended.catch(() => undefined);
    },
  };
}
