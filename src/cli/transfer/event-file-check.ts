import { openFileCheck } from '../../eventstore/archive/event-file.ts';
import { StartupError } from '../../mongo/startup-error.ts';
import { Unpackable } from './file-bytes.ts';
import { readLines } from './file-lines.ts';

/**
 * Reads a whole file and compares it with its checksum, so that nothing of a damaged one is recorded.
 * @throws StartupError that says what is wrong
 */
export async function checkFile(path: string, signal: AbortSignal): Promise<void> {
  const damage = await damageOf(path, signal);
  if (damage !== undefined)
    throw new StartupError(`${damage} Nothing was recorded; --salvage records what can be read of it.`);
}

async function damageOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  const check = openFileCheck();
  try {
    for await (const lines of readLines(path)) {
      if (signal.aborted) throw new StartupError('Stopped; nothing was recorded.');
      for (const { bytes } of lines) {
        const taken = check.take(bytes ?? Buffer.alloc(0));
        if (taken.kind === 'wrong') return taken.message;
      }
    }
    return check.end();
  } catch (error) {
    if (error instanceof Unpackable) return error.message;
    throw error;
  }
}
