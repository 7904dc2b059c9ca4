import type { Command } from '../aggregate.ts';
import {
  answerBatch,
  type DecidedBatch,
  decideFromMemory,
  handleAlone,
  handleGathered,
} from './decide-batch.ts';
import { type Intent, type Job, type Outcome, openJob } from './intent.ts';
import type { Store } from './store.ts';

/** A stream's commands, decided and ready to be written. */
interface ReadyBatch {
  readonly streamKey: string;
  readonly jobs: readonly Job[];
  readonly batch: DecidedBatch;
}

/**
 * Handles many commands, each answered on its own, in the order given. Those on one stream are decided one after
 * another. What memory can decide is decided and written in one go, without a wait per stream: fixes come by the
 * thousand.
 * @returns as `handle`, for each.
 */
export function handleMany<S, C extends Command>(
  store: Store,
  intents: readonly Intent<S, C>[],
): Promise<Outcome[]> {
  if (intents.length === 0) return Promise.resolve([]);
  return new Promise((resolve, reject) => {
    const outcomes: Outcome[] = [];
    let left = intents.length;
    const jobs = intents.map((intent, place) =>
      openJob(
        store.workflows,
        intent,
        (outcome) => {
          outcomes[place] = outcome;
          left -= 1;
          if (left === 0) resolve(outcomes);
        },
        reject,
      ),
    );
    handleJobs(store, jobs).catch(reject);
  });
}

async function handleJobs(store: Store, jobs: readonly Job[]): Promise<void> {
  const ready: ReadyBatch[] = [];
  for (const [streamKey, theirs] of byStream(jobs)) {
    const claimed = store.streamQueues.claim(streamKey);
    const batch = claimed ? decideIfSure(store, streamKey, theirs) : undefined;
    if (batch !== undefined) {
      ready.push({ streamKey, jobs: theirs, batch });
      continue;
    }
    if (claimed) release(store, streamKey);
    for (const job of theirs)
      store.streamQueues.submit(streamKey, job, (waiting) => handleGathered(store, waiting));
  }
  const results = await store.committer.commitAll(ready.map(({ batch }) => batch));
  const failed: ReadyBatch[] = [];
  for (const [index, one] of ready.entries()) {
    if (results[index]?.ok === true) answerWritten(store, one);
    else failed.push(one);
  }
  await Promise.all(failed.map((one) => oneByOne(store, one)));
}

function decideIfSure(store: Store, streamKey: string, jobs: readonly Job[]): DecidedBatch | undefined {
  try {
    return decideFromMemory(store, streamKey, jobs);
  } catch {
    // A bug of one command: it fails again on the long way, where it is that command's own.
    return undefined;
  }
}

function byStream(jobs: readonly Job[]): Map<string, Job[]> {
  const streams = new Map<string, Job[]>();
  for (const job of jobs) {
    const theirs = streams.get(job.streamKey);
    if (theirs === undefined) streams.set(job.streamKey, [job]);
    else theirs.push(job);
  }
  return streams;
}

function answerWritten(store: Store, { streamKey, jobs, batch }: ReadyBatch): void {
  answerBatch(store, streamKey, jobs, batch);
  release(store, streamKey);
}

/** What was not written is tried one by one, so that nobody pays for another's trouble. */
async function oneByOne(store: Store, { streamKey, jobs }: ReadyBatch): Promise<void> {
  store.cache.delete(streamKey);
  for (const job of jobs) await handleAlone(store, job);
  release(store, streamKey);
}

/** Gives a stream back; what has gathered on it meanwhile is handled. */
function release(store: Store, streamKey: string): void {
  store.streamQueues.release(streamKey, (waiting: readonly Job[]) => handleGathered(store, waiting));
}
