import type { Command, Decision } from '../eventstore/aggregate.ts';
import { refusal } from '../refusal.ts';
import type { ApprovalFact, Count } from './events.ts';

const HOUR_MS = 3_600_000;

/** How long people may take to approve, in ms. */
export const VOTING_MS = 24 * HOUR_MS;
/** How long what is approved may wait to be done, in ms. */
export const EXECUTION_MS = 4 * HOUR_MS;
/** The same where one person broke the glass. */
export const BROKEN_GLASS_MS = HOUR_MS;

/** How many people approve, beside who asks, where the tenant has no rule of its own. */
export const DEFAULT_REQUIRED = 2;

/** What was seen may have grown by so much, as a factor. */
const GROWTH = 1.1;

/** The moment so much after a command was taken. */
export function after({ at }: Pick<Command, 'at'>, ms: number): Date {
  return new Date(at.getTime() + ms);
}

/** True where any of the counts grew by over 10 % since it was seen. */
export function hasGrown(seen: readonly Count[], now: readonly Count[]): boolean {
  const before = new Map(seen.map(({ name, count }) => [name, count]));
  return now.some(({ name, count }) => count > (before.get(name) ?? 0) * GROWTH);
}

/** All votes fall; who gave the command is told. */
export function startedAnew(
  command: Pick<Command, 'at'>,
  { counts, freshHash }: { readonly counts: readonly Count[]; readonly freshHash: string },
): Decision<ApprovalFact> {
  return {
    events: [
      {
        type: 'ApprovalStartedAnew',
        payload: { hash: freshHash, counts: [...counts], expiresAt: after(command, VOTING_MS) },
      },
    ],
    refusal: refusal('APPROVAL_STARTED_ANEW'),
  };
}
