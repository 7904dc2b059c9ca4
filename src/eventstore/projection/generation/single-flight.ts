/** One run at a time: whoever asks while it runs shares the next one, since this one may have looked already. */
export function shareNextRun(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    running = run().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) return start();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}

/** Concurrent callers with the same arguments share one run. */
export function shareByArguments(
  run: (name: string, from: string) => Promise<void>,
): (name: string, from: string) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  return (name, from) => {
    const key = `${name}/${from}`;
    const known = running.get(key);
    if (known !== undefined) return known;
    const started = run(name, from).finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };
}
