import type { Access } from '../../access/access.ts';

/** The longest time that setTimeout takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Everything that ends at one moment, and the one timer for it. */
interface Deadline {
  readonly ends: Set<() => void>;
  timer: NodeJS.Timeout | undefined;
}

const deadlines = new Map<number, Deadline>();

/**
 * Calls `end` at the moment when the caller's proof expires: what began with a good token must not outlive it.
 * @returns how to stop waiting for that
 */
export function atEndOfProof({ expiresAt }: Access, end: () => void): () => void {
  if (expiresAt === undefined) return () => undefined;
  const moment = expiresAt.getTime();
  const deadline = deadlines.get(moment) ?? open(moment);
  // The same function may be passed twice, and each must be stopped by itself.
  const own = (): void => end();
  deadline.ends.add(own);
  return () => {
    if (!deadline.ends.delete(own) || deadline.ends.size > 0) return;
    clearTimeout(deadline.timer);
    deadlines.delete(moment);
  };
}

function open(moment: number): Deadline {
  const deadline: Deadline = { ends: new Set(), timer: undefined };
  deadlines.set(moment, deadline);
  wait(moment, deadline);
  return deadline;
}

function wait(moment: number, deadline: Deadline): void {
  const left = Math.max(0, moment - Date.now());
  const isFar = left > MAX_TIMER_MS;
  deadline.timer = setTimeout(
    () => (isFar ? wait(moment, deadline) : finish(moment, deadline)),
    isFar ? MAX_TIMER_MS : left,
  ).unref();
}

function finish(moment: number, { ends }: Deadline): void {
  deadlines.delete(moment);
  for (const end of ends) end();
}
