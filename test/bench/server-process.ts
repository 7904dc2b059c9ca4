import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { GATEWAY_NODE_FLAGS } from '../../src/drill/process/program.ts';

/** A server in a process of its own, so that it shares no thread with the load. */
export interface ServerProcess {
  readonly url: string;
  /** Hands something over and waits until it has been taken. */
  tell(message: unknown): Promise<void>;
  /** The memory that it uses when everything it lets go of has been collected, in bytes. */
  memory(): Promise<NodeJS.MemoryUsage>;
  /** How long it has been at work since it began, in s of CPU time: of all its threads, in the kernel, too. */
  cpu(): Promise<number>;
  /** Lets it close itself, and waits until the process has gone. */
  close(): Promise<void>;
}

/** What the server in the process does. */
export interface Served {
  readonly url: string;
  tell?(message: unknown): Promise<void> | void;
  close(): Promise<void>;
}

type Order =
  | { readonly kind: 'start' | 'tell'; readonly message: unknown }
  | { readonly kind: 'close' | 'memory' | 'cpu' };

/**
 * Starts a module that calls `serveParent` in a process of its own.
 * @param message what its `start` is given
 * @param profileDir where node writes a CPU profile of the process when it ends
 */
export async function startProcess(
  module: string,
  message: unknown,
  profileDir?: string,
): Promise<ServerProcess> {
  const path = fileURLToPath(new URL(`./${module}.js`, import.meta.url));
  const profiling = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  const execArgv = [...GATEWAY_NODE_FLAGS, '--expose-gc', ...profiling];
  const child = fork(path, { execArgv, serialization: 'advanced' });
  const exited = once(child, 'exit');
  const ask = async (sent: Order): Promise<unknown> => {
    const answered = once(child, 'message');
    child.send(sent);
    const answer = await Promise.race([answered, exited.then(() => undefined)]);
    if (answer === undefined) throw new Error(`The process ${module} has ended.`);
    return answer[0];
  };
  let asked: Promise<unknown> = Promise.resolve();
  /** One after the other: an answer does not say to which order. */
  const order = (sent: Order): Promise<unknown> => {
    asked = asked.then(() => ask(sent));
    return asked;
  };
  const url = await order({ kind: 'start', message });
  return {
    url: String(url),
    tell: async (told) => void (await order({ kind: 'tell', message: told })),
    memory: async () => (await order({ kind: 'memory' })) as NodeJS.MemoryUsage,
    cpu: async () => Number(await order({ kind: 'cpu' })),
    close: async () => {
      if (child.connected) child.send({ kind: 'close' } satisfies Order);
      await exited;
    },
  };
}

/** Serves the process that started this one, and ends when that says so or has gone. */
export function serveParent(start: (message: unknown) => Promise<Served>): void {
  let served: Served | undefined;
  const obey = async (order: Order): Promise<void> => {
    if (order.kind === 'start') served = await start(order.message);
    if (order.kind === 'tell') await served?.tell?.(order.message);
    if (order.kind === 'memory') return void process.send?.(await memory());
    if (order.kind === 'cpu') return void process.send?.(cpuSeconds());
    if (order.kind !== 'close') return void process.send?.(served?.url);
    await served?.close();
    process.exit(0);
  };
  process.on('message', (order: Order) => {
    obey(order).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  });
  process.on('disconnect', () => process.exit(1));
  // Ctrl-C reaches every process of the terminal; the one that started this one closes it.
  process.on('SIGINT', () => undefined);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Finalizers run between two collections, and free what the second one takes. */
async function memory(): Promise<NodeJS.MemoryUsage> {
  fillYoungGeneration();
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await setImmediate();
  }
  return process.memoryUsage();
}

const OBJECTS_AT_ONCE = 2_000_000;
const FILLINGS = 6;

/** The room for young objects is the process's, however many subscribers it has: it is all taken before anything is weighed. */
function fillYoungGeneration(): void {
  for (let filling = 0; filling < FILLINGS; filling++) {
    const objects: object[] = [];
    while (objects.length < OBJECTS_AT_ONCE) objects.push({ filling, place: objects.length });
  }
}
