import { turn } from '../backoff.ts';

/** Serialises the work on each stream within this process, and hands it over in batches. */
export interface StreamQueues {
  /** Queues a job on a stream; `work` gets every job that has gathered, in order. It never rejects. */
  submit<J>(stream: string, job: J, work: (jobs: readonly J[]) => Promise<void>): void;
  /** Takes a stream that nobody works on, and keeps others waiting until it is released. */
  claim(stream: string): boolean;
  /** Gives a claimed stream back; `work` gets what has gathered meanwhile. */
  release<J>(stream: string, work: (jobs: readonly J[]) => Promise<void>): void;
  /** Streams with work in hand. */
  readonly size: number;
}

/** Jobs in one batch: a batch is one unit of the log, so it stays within a group. */
export const BATCH_JOBS = 200;

/**
 * Opens the queues. Commands on one stream wait for the append before them, then are decided one after another and
 * appended as one: a busy stream costs one stroke per batch, not one lost race per command.
 */
export function openStreamQueues(): StreamQueues {
  /** The jobs that wait, by stream; a stream is here while somebody works on it. */
  const queues = new Map<string, unknown[]>();
  const drain = async <J>(
    stream: string,
    queue: J[],
    work: (jobs: readonly J[]) => Promise<void>,
  ): Promise<void> => {
    for (;;) {
      // One turn of the event loop, so that commands given at once make one batch.
      await turn();
      if (queue.length === 0) break;
      await work(queue.splice(0, BATCH_JOBS));
    }
    queues.delete(stream);
  };
  return {
    submit(stream, job, work) {
      const queue = queues.get(stream);
      if (queue !== undefined) {
        queue.push(job);
        return;
      }
      const opened = [job];
      queues.set(stream, opened);
      void drain(stream, opened, work);
    },
    claim(stream) {
      if (queues.has(stream)) return false;
      queues.set(stream, []);
      return true;
    },
    release<J>(stream: string, work: (jobs: readonly J[]) => Promise<void>) {
      const queue = queues.get(stream) ?? [];
      if (queue.length === 0) queues.delete(stream);
      else void drain(stream, queue as J[], work);
    },
    get size() {
      return queues.size;
    },
  };
}
