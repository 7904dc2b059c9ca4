import { type Decision, futureFault, record, refuse } from '../eventstore/aggregate.ts';
import { present } from '../eventstore/payload.ts';
import { type Refusal, refusal } from '../refusal.ts';
import type {
  ApprovalCommand,
  CancelApproval,
  FinishExecution,
  RequestApproval,
  VetoApproval,
  VoteForApproval,
} from './commands.ts';
import type { ApprovalFact } from './events.ts';
import { begun } from './execution.ts';
import { after, BROKEN_GLASS_MS, EXECUTION_MS, hasGrown, startedAnew, VOTING_MS } from './rules.ts';
import type { ApprovalState, Asked } from './state.ts';

/** What comes of a command, given the approval's past. */
export function decideApproval({ asked }: ApprovalState, command: ApprovalCommand): Decision<ApprovalFact> {
  const fault = faultOf(command);
  if (fault !== undefined) return refuse(fault);
  if (command.type === 'RequestApproval') return requested(asked, command);
  if (asked === null) return refuse(refusal('NOT_FOUND', 'There is no approval with this id.'));
  switch (command.type) {
    case 'VoteForApproval':
      return voted(asked, command);
    case 'VetoApproval':
      return vetoed(asked, command);
    case 'CancelApproval':
      return cancelled(asked, command);
    case 'ExpireApproval':
      if (!isOpen(asked) || asked.expiresAt > command.at) return refuse(notNow(asked));
      return record({ type: 'ApprovalExpired', payload: {} });
    case 'StartExecution':
      return begun(asked, command);
    case 'FinishExecution':
      return finished(asked, command);
  }
}

/** What is wrong with a command by itself, whatever approval it is given to. */
export function faultOf(command: ApprovalCommand): Refusal | undefined {
  if ('person' in command && !command.person) return refusal('APPROVAL_PEOPLE_ONLY');
  // Who asked may call off, whatever the role.
  if ('roles' in command && command.type !== 'CancelApproval' && !command.roles.includes(command.by.role))
    return refusal('FORBIDDEN');
  if (command.type === 'RequestApproval' && command.breakGlass?.allowed === false)
    return refusal(
      'FORBIDDEN',
      'This is never done by one person alone, not even in an emergency.',
      'action',
    );
  return futureFault(command);
}

function requested(asked: Asked | null, command: RequestApproval): Decision<ApprovalFact> {
  if (asked !== null) return refuse(refusal('ALREADY_EXISTS', 'This was asked for already.'));
  const { action, arguments: args, hash, counts, reason, required, breakGlass } = command;
  const common = { action, arguments: args, hash, counts: [...counts], reason };
  if (breakGlass === undefined)
    return record({
      type: 'ApprovalRequested',
      payload: { ...common, required, expiresAt: after(command, VOTING_MS) },
    });
  const expiresAt = after(command, BROKEN_GLASS_MS);
  return record<ApprovalFact>(
    { type: 'ApprovalRequested', payload: { ...common, required: 0, expiresAt } },
    { type: 'ApprovalGlassBroken', payload: { expiresAt } },
  );
}

function voted(asked: Asked, command: VoteForApproval): Decision<ApprovalFact> {
  const no = voteFault(asked, command);
  if (no !== undefined) return refuse(no);
  if (command.hash !== asked.hash) return refuse(refusal('APPROVAL_HASH_MISMATCH', undefined, 'hash'));
  if (hasGrown(asked.counts, command.counts)) return startedAnew(command, command);
  const { hash, comment } = command;
  const vote = { type: 'ApprovalVoted', payload: present({ hash, comment }) } as const;
  if (asked.approvedBy.length + 1 < asked.required) return record(vote);
  const expiresAt = after(command, EXECUTION_MS);
  return record<ApprovalFact>(vote, { type: 'ApprovalGranted', payload: { expiresAt } });
}

function vetoed(asked: Asked, command: VetoApproval): Decision<ApprovalFact> {
  const no = voteFault(asked, command);
  if (no !== undefined && no.code !== 'APPROVAL_ALREADY_VOTED') return refuse(no);
  return record({ type: 'ApprovalRejected', payload: { reason: command.reason } });
}

/** Why this person's vote does not count. */
function voteFault(asked: Asked, { by, at }: VoteForApproval | VetoApproval): Refusal | undefined {
  if (by.id === asked.askedBy.id) return refusal('APPROVAL_OWN_REQUEST');
  if (asked.status !== 'REQUESTED') return notNow(asked);
  if (asked.expiresAt <= at) return refusal('APPROVAL_EXPIRED');
  if (asked.approvedBy.some(({ id }) => id === by.id)) return refusal('APPROVAL_ALREADY_VOTED');
  return undefined;
}

function cancelled(asked: Asked, { by, roles, reason }: CancelApproval): Decision<ApprovalFact> {
  if (by.id !== asked.askedBy.id && !roles.includes(by.role)) return refuse(refusal('FORBIDDEN'));
  if (!isOpen(asked)) return refuse(notNow(asked));
  return record({ type: 'ApprovalCancelled', payload: present({ reason }) });
}

function finished(asked: Asked, { succeeded, summary }: FinishExecution): Decision<ApprovalFact> {
  if (asked.status !== 'EXECUTING') return refuse(notNow(asked));
  return record({ type: succeeded ? 'ApprovalSucceeded' : 'ApprovalFailed', payload: { summary } });
}

function isOpen({ status }: Asked): boolean {
  return status === 'REQUESTED' || status === 'APPROVED';
}

function notNow({ status }: Asked): Refusal {
  if (status === 'EXPIRED') return refusal('APPROVAL_EXPIRED');
  return refusal('INVALID_TRANSITION', `The approval is ${status}.`);
}
