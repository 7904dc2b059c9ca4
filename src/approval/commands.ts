import type { Command } from '../eventstore/aggregate.ts';
import type { Role } from '../eventstore/event.ts';
import type { Count } from './events.ts';

/** What is known of a person's right to speak, where the command was taken. */
interface Spoken {
  /** False for API keys and service accounts. */
  readonly person: boolean;
  /** Who may do this to the action, as it is declared now. */
  readonly roles: readonly Role[];
}

/** Asks for a protected action. */
export interface RequestApproval extends Command<'RequestApproval'>, Spoken {
  readonly action: string;
  /** Canonical JSON. */
  readonly arguments: string;
  readonly hash: string;
  readonly counts: readonly Count[];
  readonly reason: string;
  /** As the tenant's rule is now. */
  readonly required: number;
  /** To go ahead alone; `allowed` is what the action says of that. */
  readonly breakGlass?: { readonly allowed: boolean };
}

/** What is asked for as it would be now. */
interface Fresh {
  readonly counts: readonly Count[];
  readonly freshHash: string;
}

/** Approves. */
export interface VoteForApproval extends Command<'VoteForApproval'>, Spoken, Fresh {
  /** What the approver saw. */
  readonly hash: string;
  readonly comment?: string;
}

/** Vetoes. */
export interface VetoApproval extends Command<'VetoApproval'>, Spoken {
  readonly reason: string;
}

/** Calls it off. */
export interface CancelApproval extends Command<'CancelApproval'>, Spoken {
  readonly reason?: string;
}

/** Ends what was not approved, or not done, in time. */
export interface ExpireApproval extends Command<'ExpireApproval'> {}

/** Begins to do it, if all that was true at the votes still is. */
export interface StartExecution extends Command<'StartExecution'>, Fresh {
  readonly mayAsk: readonly Role[];
  readonly mayVote: readonly Role[];
  /** As the tenant's rule is now. */
  readonly required: number;
  /** Of those who asked and approved: whose proofs were revoked since. */
  readonly revoked: readonly string[];
}

/** Says what came of it. */
export interface FinishExecution extends Command<'FinishExecution'> {
  readonly succeeded: boolean;
  readonly summary: string;
}

export type ApprovalCommand =
  | RequestApproval
  | VoteForApproval
  | VetoApproval
  | CancelApproval
  | ExpireApproval
  | StartExecution
  | FinishExecution;
