import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * Runs a module in a process of its own, where nothing that was done before counts.
 * @param module calls `answerParent`
 * @returns what it answers
 */
export async function runApart(module: string, message: object): Promise<unknown> {
  const child = fork(fileURLToPath(new URL(`./${module}.js`, import.meta.url)), {
    serialization: 'advanced',
    execArgv: [],
  });
  const exited = once(child, 'exit');
  const answered = once(child, 'message');
  child.send(message);
  const answer = await Promise.race([answered, exited.then(() => undefined)]);
  if (answer === undefined) throw new Error(`The process ${module} has ended.`);
  child.disconnect();
  await exited;
  return answer[0];
}

/** Does once what the process that started this one asks for. */
export function answerParent<T>(work: (message: T) => Promise<unknown>): void {
  process.once('message', (message) => {
    work(message as T).then(
      (answer) => process.send?.(answer),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.on('disconnect', () => process.exit(0));
}
