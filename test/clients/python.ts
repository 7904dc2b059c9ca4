import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Follow, TenderChange } from '../../schema/clients/tender-changes.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const CLIENTS = join(ROOT, 'schema/clients');
/** Goes with the packages: a clean checkout installs it anew. */
const FOLDER = join(ROOT, 'node_modules/.cache/waybill-python');
const INSTALL_TIMEOUT_MS = 120_000;

/** A Python that has the example's packages; undefined where there is none, or they cannot be had. */
export const PYTHON = preparePython();

/** For the name of what is passed over: why. */
export const ONLY_WITH_PYTHON = PYTHON === undefined ? ' (passed over: no python3, or no gql for it)' : '';

function preparePython(): string | undefined {
  const python = join(FOLDER, 'bin/python');
  const ready = join(FOLDER, 'ready');
  if (existsSync(ready)) return python;
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const run = (program: string, ...args: string[]): boolean =>
    spawnSync(program, args, { timeout: INSTALL_TIMEOUT_MS }).status === 0;
  const installed =
    run('python3', '-m', 'venv', FOLDER) &&
    run(python, '-m', 'pip', 'install', '--quiet', '--requirement', join(CLIENTS, 'requirements.txt'));
  if (installed) writeFileSync(ready, '');
  return installed ? python : undefined;
}

/** The Python example, with the manners of the others. */
export function followWithPython({ url, token, onChange, onEnd }: Follow): () => void {
  const child = spawn(PYTHON ?? 'python3', [join(CLIENTS, 'python_gql.py'), url], {
    env: { PATH: process.env.PATH, WAYBILL_TOKEN: String(token()) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = `${words}${chunk}`.slice(-2_000);
  });
  createInterface(child.stdout).on('line', (line) => onChange(JSON.parse(line) as TenderChange));
  child.once('close', (code) => {
    if (code !== null) onEnd(new Error(`It ended with ${code}: ${words}`));
  });
  return () => void child.kill('SIGKILL');
}
