import { setImmediate as nextTurn } from 'node:timers/promises';

let pending: Promise<void> | undefined;

/**
 * Resolves in the next turn of the event loop, for all who wait for it: what is ready now can gather until then. No
 * timer, and no wait beyond what the loop has to do anyway.
 */
export function turn(): Promise<void> {
  pending ??= nextTurn().then(() => {
    pending = undefined;
  });
  return pending;
}
