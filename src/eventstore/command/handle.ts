import type { Command } from '../aggregate.ts';
import { handleGathered } from './decide-batch.ts';
import { type Intent, type Outcome, openJob } from './intent.ts';
import type { Store } from './store.ts';

/**
 * Takes a command through load → evolve → decide → append, with bounded retry on a lost race.
 * @returns `recorded` (with `repeated` for a retry) or `refused` with a code; CONFLICT after too many lost races,
 * OUTCOME_UNKNOWN when the database did not answer in time, IDEMPOTENCY_KEY_REUSED for a key with other input.
 * @throws only bugs and a database that refuses the work.
 */
export function handle<S, C extends Command>(store: Store, intent: Intent<S, C>): Promise<Outcome> {
  return new Promise((answer, fail) => {
    const job = openJob(store.workflows, intent, answer, fail);
    store.streamQueues.submit(job.streamKey, job, (jobs) => handleGathered(store, jobs));
  });
}
