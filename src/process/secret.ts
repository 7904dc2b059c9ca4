import { readFileSync } from 'node:fs';
import { StartupError } from '../mongo/startup-error.ts';
import type { Described, Setting, Variables } from './setting.ts';

/** What a variable's name is followed by, for one that holds the path of a file instead. */
export const IN_FILE = '_FILE';

/** Marks a setting as a secret: no message repeats its value, and it may stand in a file, whose path `NAME_FILE` gives. */
export function secret<const S extends Described & Setting<unknown>>(
  setting: S,
): S & { readonly isSecret: true } {
  return { ...setting, isSecret: true };
}

/**
 * A secret as the environment has it, or as the file that it names: orchestrators mount secrets as files, and the environment
 * of a process is shown in more places than one would think. What ends the file's last line is left out.
 * @throws StartupError where both are set, or the file cannot be read or holds nothing
 */
export function secretOf(name: string, variables: Variables): string | undefined {
  const [direct, path] = [variables[name], variables[`${name}${IN_FILE}`]];
  if (!path) return direct;
  if (direct) throw new StartupError(`Set ${name} or ${name}${IN_FILE}, not both.`);
  const value = contentOf(`${name}${IN_FILE}`, path).replace(/[\r\n]+$/, '');
  if (value === '') throw new StartupError(`${name}${IN_FILE} names ${path}, which is empty.`);
  return value;
}

function contentOf(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    throw new StartupError(`${name} names ${path}, which cannot be read${why}.`);
  }
}
