import fc from 'fast-check';
import type { ApprovalCommand } from '../../src/approval/commands.ts';
import type { CommandsOfAKind } from '../random-commands.ts';

const HASH = 'a'.repeat(64);
const spoken = { person: true, roles: ['admin'] } as const;
const fresh = fc.constantFrom(10, 11, 12).map((count) => ({
  counts: [{ name: 'keys', count }],
  freshHash: `${count}`.repeat(32),
}));

const Approval: CommandsOfAKind<ApprovalCommand> = {
  first: fc.boolean().map((alone) => ({
    ...spoken,
    type: 'RequestApproval',
    action: 'approval.rule',
    arguments: '{"required":2}',
    hash: HASH,
    counts: [{ name: 'keys', count: 10 }],
    reason: 'For the test',
    required: alone ? 0 : 2,
    ...(alone ? { breakGlass: { allowed: true } } : {}),
  })),
  further: fc.oneof(
    fresh.map((now) => ({ ...spoken, ...now, type: 'VoteForApproval', hash: HASH }) as const),
    fc.constant({ ...spoken, type: 'VetoApproval', reason: 'No' } as const),
    fc.constant({ ...spoken, type: 'CancelApproval' } as const),
    fc.constant({ type: 'ExpireApproval' } as const),
    fc
      .record({ now: fresh, revoked: fc.constantFrom([], ['ann']), required: fc.constantFrom(0, 2) })
      .map(
        ({ now, ...rest }) =>
          ({ type: 'StartExecution', mayAsk: ['admin'], mayVote: ['admin'], ...now, ...rest }) as const,
      ),
    fc
      .boolean()
      .map((succeeded) => ({ type: 'FinishExecution', succeeded, summary: 'That came of it' }) as const),
  ),
};

export const COMMANDS = { Approval };
