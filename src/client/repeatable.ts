/** Refusals that say nothing about the command itself. */
const REPEATABLE: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'CONFLICT', 'NEWER_VERSION']);

/** Whether a command that was refused with this code is to be sent again, with the same key. */
export function isRepeatable(code: string): boolean {
  return REPEATABLE.has(code);
}
