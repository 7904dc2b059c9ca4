import type { Actor } from '../eventstore/event.ts';
import type { ApprovalEvent, Count } from './events.ts';

/** What may be found of an approval, and what each means. */
export const APPROVAL_STATUSES = {
  REQUESTED: 'People are asked',
  APPROVED: 'As many as required agree; it is about to be done',
  EXECUTING: 'It is being done',
  SUCCEEDED: 'It is done',
  FAILED: 'It could not be done',
  REJECTED: 'Somebody vetoed it',
  EXPIRED: 'It was not approved, or not done, in time',
  CANCELLED: 'It was called off',
} as const;

export type ApprovalStatus = keyof typeof APPROVAL_STATUSES;

/** What decisions about an approval need to know; null before it was asked for. */
export interface Asked {
  readonly status: ApprovalStatus;
  readonly action: string;
  readonly arguments: string;
  readonly hash: string;
  readonly counts: readonly Count[];
  readonly required: number;
  readonly askedBy: Actor;
  /** Who approved what is asked for now. */
  readonly approvedBy: readonly Actor[];
  readonly expiresAt: Date;
}

export interface ApprovalState {
  readonly asked: Asked | null;
}

export const initialApproval: ApprovalState = { asked: null };

const ENDS = {
  ApprovalExecutionStarted: 'EXECUTING',
  ApprovalSucceeded: 'SUCCEEDED',
  ApprovalFailed: 'FAILED',
  ApprovalRejected: 'REJECTED',
  ApprovalCancelled: 'CANCELLED',
  ApprovalExpired: 'EXPIRED',
} as const;

/** The state after `event`; events of types unknown here leave it as it is. */
export function evolveApproval({ asked }: ApprovalState, event: ApprovalEvent): ApprovalState {
  const after = evolved(asked, event);
  return { asked: after };
}

/** The same for what rows are folded from. */
export function evolved(asked: Asked | null, event: ApprovalEvent): Asked | null {
  if (event.type === 'ApprovalRequested') {
    const { action, arguments: args, hash, counts, required, expiresAt } = event.payload;
    const { actor: askedBy } = event;
    return {
      status: 'REQUESTED',
      action,
      arguments: args,
      hash,
      counts,
      required,
      askedBy,
      approvedBy: [],
      expiresAt,
    };
  }
  if (asked === null) return asked;
  switch (event.type) {
    case 'ApprovalVoted':
      return { ...asked, approvedBy: [...asked.approvedBy, event.actor] };
    case 'ApprovalGranted':
    case 'ApprovalGlassBroken':
      return { ...asked, status: 'APPROVED', expiresAt: event.payload.expiresAt };
    case 'ApprovalStartedAnew':
      return { ...asked, ...event.payload, status: 'REQUESTED', approvedBy: [] };
    default: {
      const status = ENDS[event.type];
      return status === undefined ? asked : { ...asked, status };
    }
  }
}
