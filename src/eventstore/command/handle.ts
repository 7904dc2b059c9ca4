/**
 * Command: an intent becomes events in the log, and rows beside them.
 *
 * In comes an Intent (intent.ts); out comes its Outcome: recorded, or refused. In this order:
 * 1. handle.ts, or handle-many.ts for many at once, opens a job, which fixes the command's ids, and queues it on its
 *    stream (intent.ts).
 * 2. decide-batch.ts takes what has gathered on the stream; what touches other streams too, or is alone and may be a
 *    repeat, or did not work out together, goes one by one through decide-one.ts.
 * 3. load.ts loads the stream: from memory, or from the log on from a snapshot.
 * 4. draft.ts decides the command on the stream's fold and drafts its events and rows. It is the only place for that.
 * 5. append.ts writes one command and finds out what became of it; a batch is committed as it is.
 * 6. committer.ts sends units (unit.ts) that are ready at the same time together, and writes them.
 * states.ts answers questions about states from memory. store.ts is the whole store, which commands need.
 */
import type { Command } from '../aggregate.ts';
import { handleGathered } from './decide-batch.ts';
import { type Intent, type Outcome, openJob } from './intent.ts';
import type { Store } from './store.ts';

/**
 * Takes a command through load → evolve → decide → append, with bounded retry on a lost race.
 * @returns `recorded` (with `repeated` for a retry) or `refused` with a code; CONFLICT after too many lost races,
 * NEWER_VERSION where a newer version has written to the stream, OUTCOME_UNKNOWN when the database did not answer in time, IDEMPOTENCY_KEY_REUSED for a key with other input.
 * @throws only bugs and a database that refuses the work.
 */
export function handle<S, C extends Command>(store: Store, intent: Intent<S, C>): Promise<Outcome> {
  return new Promise((answer, fail) => {
    const job = openJob(store.workflows, intent, answer, fail);
    store.streamQueues.submit(job.streamKey, job, (jobs) => handleGathered(store, jobs));
  });
}
