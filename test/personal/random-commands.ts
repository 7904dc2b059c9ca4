import fc from 'fast-check';
import type { SubjectCommand } from '../../src/personal/subject.ts';
import { type CommandsOfAKind, someId } from '../random-commands.ts';

const payload = fc.record({ approvalId: someId }, { requiredKeys: [] });
const DataSubject: CommandsOfAKind<SubjectCommand> = {
  first: payload.map((told) => ({ type: 'RequestErasure', payload: told }) as const),
  further: fc
    .record({ searched: fc.nat(9), left: fc.nat(2) })
    .map((told) => ({ type: 'ConfirmErasure', payload: told }) as const),
};

export const COMMANDS = { DataSubject };
