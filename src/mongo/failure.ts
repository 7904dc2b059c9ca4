import { readFileSync } from 'node:fs';
import type { Exit, LaunchOptions } from './launch-options.ts';
import { missingLibrary } from './program/inspect.ts';
import { StartupError } from './startup-error.ts';

/** A mongod did not start; `reason` lets the caller decide what to do about it. */
export class LaunchError extends StartupError {
  readonly reason: LaunchFailure;
  constructor(reason: LaunchFailure, message: string) {
    super(message);
    this.reason = reason;
  }
}

export type LaunchFailure =
  | 'port taken'
  | 'in use'
  | 'not writable'
  | 'other version'
  | 'unrunnable'
  | 'other';

/** Says why a mongod ended before it was ready, from its log, its exit code and what it wrote to stderr. */
export function explainExit(exit: Exit, options: LaunchOptions): LaunchError {
  const log = tail(options.logFile);
  const text = `${exit.stderr}\n${log}`;
  const library = missingLibrary(exit.stderr);
  if (library !== undefined) return new LaunchError('unrunnable', `${options.binary}: ${library}.`);
  const unrunnable = /^spawn .*\b(E[A-Z]+)$/m.exec(exit.stderr)?.[1];
  if (unrunnable !== undefined) {
    return new LaunchError('unrunnable', `${options.binary} cannot be run (${unrunnable}).`);
  }
  if (/Address already in use/.test(text)) {
    return new LaunchError('port taken', `Port ${options.port} is taken by another process.`);
  }
  if (/DBPathInUse|Unable to lock the lock file/.test(text)) {
    return new LaunchError(
      'in use',
      `The data folder ${options.folder} is in use by another process (MongoDB could not lock it). Stop that one first.`,
    );
  }
  if (
    /[Pp]ermission denied|EACCES|Read-only file system|IllegalOperation: Attempted to create a lock/.test(
      text,
    )
  ) {
    return new LaunchError(
      'not writable',
      `MongoDB may not write to ${options.folder}. Check who owns the folder.`,
    );
  }
  if (/No space left on device/.test(text)) {
    return new LaunchError(
      'not writable',
      `There is no space left on the device that holds ${options.folder}.`,
    );
  }
  if (/featureCompatibilityVersion|unsupported WiredTiger file version|Wrong mongod version/.test(text)) {
    return new LaunchError(
      'other version',
      `The data in ${options.folder} was written by another version of MongoDB than this one (${options.binary}) can read. ` +
        'Name a fitting one by WAYBILL_MONGOD (upgrades go one major version at a time), or point WAYBILL_DATA elsewhere.',
    );
  }
  return new LaunchError('other', unknown(exit, options, log));
}

function unknown(exit: Exit, options: LaunchOptions, log: string): string {
  const how = exit.signal === null ? `exit code ${exit.code}` : exit.signal;
  const why = exit.stderr.trim().split('\n').at(-1) || lastError(log);
  const illegal =
    exit.signal === 'SIGILL'
      ? ' This processor lacks AVX, which MongoDB needs since 5.0: set MONGODB_URI.'
      : '';
  return `mongod did not start (${how}${why ? `: ${why}` : ''}).${illegal} Its log: ${options.logFile}`;
}

/** The last error or fatal line of mongod's structured log (one JSON document a line). */
function lastError(log: string): string | undefined {
  const line = log.split('\n').findLast((text) => /^\{.*"s":"[EF]"/.test(text));
  if (line === undefined) return undefined;
  try {
    const { msg, attr } = JSON.parse(line);
    const detail = attr?.error?.errmsg ?? attr?.error ?? attr?.msg;
    return typeof detail === 'string' ? `${msg}: ${detail}` : msg;
  } catch {
    return undefined;
  }
}

/** The end of a file; nothing if it cannot be read. */
function tail(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(-20_000);
  } catch {
    return '';
  }
}
