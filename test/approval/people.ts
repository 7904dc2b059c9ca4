import { hashSeen } from '../../src/approval/canonical.ts';
import type {
  RequestApproval,
  StartExecution,
  VetoApproval,
  VoteForApproval,
} from '../../src/approval/commands.ts';
import type { Count } from '../../src/approval/events.ts';
import type { Role } from '../../src/eventstore/event.ts';
import { minute } from '../given.ts';

/** What is asked for in the stories of approvals. */
export const ARGUMENTS = '{"name":"tms"}';
export const SEEN: readonly Count[] = [{ name: 'rows', count: 100 }];
export const HASH = hashSeen('test.purge', ARGUMENTS, SEEN);

const ADMINS: readonly Role[] = ['admin'];

/** Somebody, at a minute of the story. */
export function by(id: string, minutes = 0, role: Role = 'admin') {
  return { at: minute(minutes), occurredAt: minute(minutes), by: { id, role } };
}

export function ask(id = 'ann', over: Partial<RequestApproval> = {}): RequestApproval {
  return {
    type: 'RequestApproval',
    ...by(id),
    person: true,
    roles: ADMINS,
    action: 'test.purge',
    arguments: ARGUMENTS,
    hash: HASH,
    counts: SEEN,
    reason: 'The contract has ended',
    required: 2,
    ...over,
  };
}

export function vote(id: string, over: Partial<VoteForApproval> = {}): VoteForApproval {
  return {
    type: 'VoteForApproval',
    ...by(id, 1),
    person: true,
    roles: ADMINS,
    hash: HASH,
    counts: SEEN,
    freshHash: HASH,
    ...over,
  };
}

export function veto(id: string, over: Partial<VetoApproval> = {}): VetoApproval {
  return { type: 'VetoApproval', ...by(id, 1), person: true, roles: ADMINS, reason: 'No', ...over };
}

export function start(over: Partial<StartExecution> = {}): StartExecution {
  return {
    type: 'StartExecution',
    ...by('approvals', 2, 'system'),
    counts: SEEN,
    freshHash: HASH,
    mayAsk: ADMINS,
    mayVote: ADMINS,
    required: 2,
    revoked: [],
    ...over,
  };
}
