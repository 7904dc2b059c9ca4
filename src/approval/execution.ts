import { type Decision, record, refuse } from '../eventstore/aggregate.ts';
import { refusal } from '../refusal.ts';
import type { StartExecution } from './commands.ts';
import type { ApprovalFact } from './events.ts';
import { hasGrown, startedAnew } from './rules.ts';
import type { Asked } from './state.ts';

/** Whether what was approved is begun: all that was checked at the votes is checked again, as it is now. */
export function begun(asked: Asked, command: StartExecution): Decision<ApprovalFact> {
  if (asked.status !== 'APPROVED')
    return refuse(refusal('INVALID_TRANSITION', `The approval is ${asked.status}.`));
  if (asked.expiresAt <= command.at) return refuse(refusal('APPROVAL_EXPIRED'));
  const reason = lostSupport(asked, command);
  if (reason !== undefined) return record({ type: 'ApprovalCancelled', payload: { reason } });
  // Who broke the glass stands alone: there is nobody to ask again.
  if (asked.required > 0 && hasGrown(asked.counts, command.counts)) return startedAnew(command, command);
  return record({ type: 'ApprovalExecutionStarted', payload: { counts: [...command.counts] } });
}

/** Why those who stood behind it do not any more; undefined where they do. */
function lostSupport(asked: Asked, command: StartExecution): string | undefined {
  const { mayAsk, mayVote, required, revoked } = command;
  const { askedBy, approvedBy } = asked;
  if (!mayAsk.includes(askedBy.role) || revoked.includes(askedBy.id))
    return `${askedBy.id}, who asked, may not ask for this any more.`;
  if (asked.required === 0) return undefined;
  const counted = new Set(
    approvedBy
      .filter(({ id, role }) => id !== askedBy.id && mayVote.includes(role) && !revoked.includes(id))
      .map(({ id }) => id),
  );
  const needed = Math.max(asked.required, required);
  if (counted.size >= needed) return undefined;
  return `Only ${counted.size} of those who approved may still do so, and ${needed} are required.`;
}
