import { StartupError } from '../../mongo/startup-error.ts';

/** Why a file cannot be read, as a sentence for the operator. */
export function unreadable(path: string, error: Error & { readonly code?: unknown }): StartupError {
  if (error.code === 'ENOENT') return new StartupError(`There is no file ${path}.`);
  if (error.code === 'EISDIR') return new StartupError(`${path} is a folder, not a file.`);
  return new StartupError(`${path} cannot be read: ${error.message}.`);
}
