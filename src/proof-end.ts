import type { Access } from './access/access.ts';

/** setTimeout takes no longer time than this. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Calls `end` at the moment when the caller's proof expires: what began with a good token must not outlive it.
 * @returns how to stop waiting for that
 */
export function atEndOfProof(access: Access, end: () => void): () => void {
  if (access.expiresAt === undefined) return () => undefined;
  const { expiresAt } = access;
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const left = Math.max(0, expiresAt.getTime() - Date.now());
    timer = left > MAX_TIMER_MS ? setTimeout(wait, MAX_TIMER_MS) : setTimeout(end, left);
    timer.unref();
  };
  wait();
  return () => clearTimeout(timer);
}
