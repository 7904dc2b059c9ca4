import type { Aggregate } from '../eventstore/aggregate.ts';
import { refusal } from '../refusal.ts';
import type { ApprovalCommand } from './commands.ts';
import { decideApproval, faultOf } from './decide.ts';
import type { ApprovalEvent } from './events.ts';
import { approvalsRead } from './projection.ts';
import { type ApprovalState, evolveApproval, initialApproval } from './state.ts';

/** The stream of an approval. */
export const approval: Aggregate<ApprovalState, ApprovalCommand, ApprovalEvent> = {
  type: 'Approval',
  stateVersion: 1,
  initial: initialApproval,
  evolve: evolveApproval,
  decide: decideApproval,
  faultOf,
  projections: [approvalsRead],
  refusalOf: ([first]) =>
    first?.type === 'ApprovalStartedAnew' ? refusal('APPROVAL_STARTED_ANEW') : undefined,
};
