import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { StreamRange } from '../eventstore/log/ranges.ts';
import type { LoadTarget, RangeLoad } from '../eventstore/rebuild/load.ts';
import { type OpenWorkers, openInlineWorker, type RangeWorker } from '../eventstore/rebuild/ranges.ts';

/** What a thread is started with. Plain data: no class survives the way to another thread. */
export interface ThreadData {
  /** May hold a password. */
  readonly uri: string;
  readonly database: string;
  readonly projection: string;
  readonly collection: string;
  /** A `Timestamp` as text. */
  readonly notBefore: string;
}

/** A range for a thread. */
export interface ThreadJob {
  readonly job: number;
  readonly range: StreamRange;
}

/** The outcome of a job. */
export type ThreadReply =
  | { readonly job: number; readonly load: RangeLoad }
  | { readonly job: number; readonly error: string };

interface Waiting {
  readonly resolve: (load: RangeLoad) => void;
  readonly reject: (error: Error) => void;
}

const ENTRY = new URL('./replay-worker.js', import.meta.url);

/** MiB. Most of what a replay allocates is dead when its batch is folded; with room for that, little is ever copied. */
const YOUNG_GENERATION_MB = 64;
/** MiB. Four times what the largest batch takes; without it V8 lets garbage lie as long as the machine has room. */
const OLD_GENERATION_MB = 256;

/**
 * Opens threads that replay, each with a connection of its own. Where Waybill runs from its sources, which threads cannot load,
 * the calling thread does the work itself.
 * @param uri of the database that the store is opened on
 */
export function openThreads(count: number, uri: string): OpenWorkers {
  return async (store, projection, target) => {
    if (!existsSync(fileURLToPath(ENTRY))) return openInlineWorker(store, projection, target);
    const data = dataOf(uri, store.db.databaseName, projection.name, target);
    return Array.from({ length: count }, () => openThread(data));
  };
}

function dataOf(
  uri: string,
  database: string,
  projection: string,
  { collection, notBefore }: LoadTarget,
): ThreadData {
  return { uri, database, projection, collection, notBefore: notBefore.toString() };
}

function openThread(workerData: ThreadData): RangeWorker {
  const worker = new Worker(ENTRY, {
    workerData,
    resourceLimits: {
      maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      maxOldGenerationSizeMb: OLD_GENERATION_MB,
    },
  });
  const waiting = new Map<number, Waiting>();
  let jobs = 0;
  let ended: Error | undefined;
  const end = (error: Error): void => {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  worker.on('message', (reply: ThreadReply) => {
    const asked = waiting.get(reply.job);
    waiting.delete(reply.job);
    if ('load' in reply) asked?.resolve(reply.load);
    else asked?.reject(new Error(reply.error));
  });
  worker.on('error', end);
  worker.on('exit', (code) => end(new Error(`A replaying thread ended (${code}).`)));
  return {
    load: (range) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        const job: ThreadJob = { job: jobs++, range };
        waiting.set(job.job, { resolve, reject });
        worker.postMessage(job);
      }),
    close: async () => {
      await worker.terminate();
    },
  };
}
