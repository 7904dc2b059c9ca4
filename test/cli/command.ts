import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { Console } from 'node:console';
import { join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { expect } from 'vitest';

/** The program as `npm test` has just built it. */
export const MAIN = join(resolve(import.meta.dirname, '../..'), 'dist/src/main.js');

export type Variables = Readonly<Record<string, string>>;

/** What a command came to. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a program under test: nothing of this process's own settings but how to find programs. */
function environmentOf(variables: Variables): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, WAYBILL_MONGOD } = process.env;
  return { PATH, HOME, TMPDIR, WAYBILL_MONGOD, ...variables };
}

/** A stream that keeps what is written to it. */
function openSink(): { readonly stream: Writable; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

/** Runs `waybill` with these arguments to its end, in this process. It hears no signals. */
export async function waybill(args: readonly string[], variables: Variables = {}): Promise<Ended> {
  // Here, so that tests which only start processes need not wait for all commands to be read.
  const { runProgram } = await import('../../src/cli/program.ts');
  const [stdout, stderr] = [openSink(), openSink()];
  const code = await runProgram({
    args,
    variables: environmentOf(variables),
    stdout: stdout.stream,
    stderr: stderr.stream,
    console: new Console(stdout.stream, stderr.stream),
    logTo: stderr.stream,
    signals: {
      on: () => undefined,
      off: () => undefined,
      exit: (exitCode) => {
        throw new Error(`The command would end the process with ${exitCode}.`);
      },
    },
    program: MAIN,
    exitCode: 0,
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** As `waybill`, in a process of its own: for what only a process has, and once for each command. */
export function waybillProcess(args: readonly string[], variables: Variables = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { env: environmentOf(variables) },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** A command that goes on until it is told to end. */
export interface CommandProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Starts `waybill` with these arguments. The caller ends it. */
export function startCommand(args: readonly string[], variables: Variables): CommandProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { env: environmentOf(variables) });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** A gateway, or a projector, in a process of its own. */
export interface GatewayProcess {
  readonly child: ChildProcess;
  /** What it has written so far. */
  output(): string;
  /** Resolves with the base URL, `http://127.0.0.1:12345`, once it is printed; rejects if it ends before. */
  readonly listening: Promise<string>;
  readonly ended: Promise<Ended>;
}

/** Starts `waybill`, with these arguments, on a free port. The caller ends it. */
export function startGateway(variables: Variables, args: readonly string[] = []): GatewayProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: environmentOf({ PORT: '0', ...variables }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  const listening = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const url = /(?:listens|metrics are) on (http:\/\/[^/\s]+)/.exec(stdout)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    ended.then(() => reject(new Error(`The gateway ended before it listened: ${stderr}`)));
  });
  listening.catch(() => undefined);
  return { child, output: () => stdout + stderr, listening, ended };
}

/** A failure that the operator can put right: exit code 1, one sentence on standard error, no stack. */
export function expectSentence(ended: Ended, sentence: string | RegExp): void {
  expect(ended.stderr).toMatch(sentence);
  expect(ended.stderr).not.toMatch(/\n\s+at |Error:/);
  expect(ended.code).toBe(1);
  expect(ended.stdout).toBe('');
}
