/** Runs tasks side by side, except those that have a key in common. */
export interface SideBySide {
  /**
   * Starts a task as soon as a place is free and no task with one of its keys is under way; resolves when it has started.
   * Tasks are started in the order of the calls, one call at a time.
   */
  start(keys: ReadonlySet<string>, task: () => Promise<void>): Promise<void>;
  /** Whether the next task would have to wait for a free place. */
  isFull(): boolean;
  /** Resolves when it would not. */
  hasPlace(): Promise<void>;
  /** Resolves when all have ended. */
  settled(): Promise<void>;
  /** What the first task that failed threw. */
  failure(): unknown;
}

/** @param limit tasks at once, at most */
export function openSideBySide(limit: number): SideBySide {
  const underway = new Map<Promise<void>, ReadonlySet<string>>();
  const failures: unknown[] = [];
  const isHeld = (keys: ReadonlySet<string>): boolean =>
    [...underway.values()].some((held) => [...keys].some((key) => held.has(key)));
  return {
    async start(keys, task) {
      while (underway.size >= limit || isHeld(keys)) await Promise.race(underway.keys());
      const running: Promise<void> = task()
        .catch((error: unknown) => {
          failures.push(error);
        })
        .finally(() => underway.delete(running));
      underway.set(running, keys);
    },
    isFull: () => underway.size >= limit,
    async hasPlace() {
      while (underway.size >= limit) await Promise.race(underway.keys());
    },
    async settled() {
      await Promise.all(underway.keys());
    },
    failure: () => failures[0],
  };
}
