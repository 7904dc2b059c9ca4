import type { Command } from '../aggregate.ts';
import { answerRun, type DecidedRun, decideFromMemory, workAlone, workOff } from './decide-batch.ts';
import { type Intent, type Job, type Outcome, openJob } from './intent.ts';
import type { Store } from './store.ts';

/** A stream's commands, decided and ready to be written. */
interface ReadyRun {
  readonly lane: string;
  readonly jobs: readonly Job[];
  readonly run: DecidedRun;
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
  const ready: ReadyRun[] = [];
  for (const [lane, run] of byLane(jobs)) {
    const claimed = store.lanes.claim(lane);
    const decided = claimed ? decideIfSure(store, lane, run) : undefined;
    if (decided !== undefined) {
      ready.push({ lane, jobs: run, run: decided });
      continue;
    }
    if (claimed) release(store, lane);
    for (const job of run) store.lanes.submit(lane, job, (waiting) => workOff(store, waiting));
  }
  const results = await store.committer.commitAll(ready.map(({ run }) => run));
  const failed: ReadyRun[] = [];
  for (const [index, one] of ready.entries()) {
    if (results[index]?.ok === true) answerWritten(store, one);
    else failed.push(one);
  }
  await Promise.all(failed.map((one) => oneByOne(store, one)));
}

function decideIfSure(store: Store, lane: string, jobs: readonly Job[]): DecidedRun | undefined {
  try {
    return decideFromMemory(store, lane, jobs);
  } catch {
    // A bug of one command: it fails again on the long way, where it is that command's own.
    return undefined;
  }
}

function byLane(jobs: readonly Job[]): Map<string, Job[]> {
  const lanes = new Map<string, Job[]>();
  for (const job of jobs) {
    const lane = lanes.get(job.lane);
    if (lane === undefined) lanes.set(job.lane, [job]);
    else lane.push(job);
  }
  return lanes;
}

function answerWritten(store: Store, { lane, jobs, run }: ReadyRun): void {
  answerRun(store, lane, jobs, run);
  release(store, lane);
}

/** What is not written goes one by one, so that nobody pays for another's trouble. */
async function oneByOne(store: Store, { lane, jobs }: ReadyRun): Promise<void> {
  store.cache.delete(lane);
  for (const job of jobs) await workAlone(store, job);
  release(store, lane);
}

/** Gives a stream back; what has gathered on it meanwhile is worked off. */
function release(store: Store, lane: string): void {
  store.lanes.release(lane, (waiting: readonly Job[]) => workOff(store, waiting));
}
