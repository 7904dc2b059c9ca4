import { isRepeatable } from '../../client/repeatable.ts';
import { handle } from '../../eventstore/command/handle.ts';
import type { Intent, Outcome } from '../../eventstore/command/intent.ts';
import type { Store } from '../../eventstore/command/store.ts';

/**
 * Sends a command, and again while the answer leaves open what has become of it, but so often at most.
 * @returns every answer, in order
 */
export async function sendUntilSettled(
  store: Store,
  intent: Intent,
  mostTimes: number,
): Promise<readonly [Outcome, ...Outcome[]]> {
  const outcomes: [Outcome, ...Outcome[]] = [await handle(store, intent)];
  while (!isSettled(outcomes.at(-1)) && outcomes.length < mostTimes)
    outcomes.push(await handle(store, intent));
  return outcomes;
}

/** Whether an answer says what has become of the command. */
export function isSettled(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && !(outcome.kind === 'refused' && isRepeatable(outcome.refusal.code));
}
