import { z } from 'zod';
import { type Aggregate, type Command, type Decision, record } from '../eventstore/aggregate.ts';
import { defineEvent, type Fact, type Recorded } from '../eventstore/event.ts';
import { note } from '../eventstore/payload.ts';

const Subject = { aggregateType: 'DataSubject', version: 1, effect: 'decision' } as const;

/** What the log says of a data subject: that it was erased, and nothing that tells who it was. */
export const subjectEvents = [
  defineEvent({
    ...Subject,
    type: 'ErasureRequested',
    doc: 'What was recorded of a person is to be erased: its key is destroyed from here on, and it gets no other.',
    payload: z.object({ reason: z.exactOptional(note), approvalId: z.exactOptional(z.string().max(100)) }),
  }),
  defineEvent({
    ...Subject,
    type: 'SubjectErased',
    doc: 'The key of a person is destroyed, and the database was searched for clear text of what had been recorded.',
    payload: z.object({
      searched: z.int().min(0).meta({ description: 'documents that were searched' }),
      left: z.int().min(0).meta({ description: 'documents that hold the same clear text' }),
      restored: z.exactOptional(z.literal(true)).meta({ description: 'after a restore of an earlier state' }),
    }),
  }),
] as const;

type SubjectEvent = Recorded<(typeof subjectEvents)[number]>;
type SubjectFact = Fact<(typeof subjectEvents)[number]>;
type PayloadOf<T extends SubjectEvent['type']> = Extract<SubjectEvent, { type: T }>['payload'];

/** Asks for an erasure. Again, after it was asked for: nothing is recorded. */
export interface RequestErasure extends Command<'RequestErasure'> {
  readonly payload: PayloadOf<'ErasureRequested'>;
}

/** Says that it is done. */
export interface ConfirmErasure extends Command<'ConfirmErasure'> {
  readonly payload: PayloadOf<'SubjectErased'>;
}

export type SubjectCommand = RequestErasure | ConfirmErasure;

export interface SubjectState {
  readonly status: 'KNOWN' | 'ERASING' | 'ERASED';
}

/** The stream of a data subject, by the UUID that payloads name it by. */
export const dataSubject: Aggregate<SubjectState, SubjectCommand, SubjectEvent> = {
  type: 'DataSubject',
  stateVersion: 1,
  initial: { status: 'KNOWN' },
  evolve: (_state, event) => ({ status: event.type === 'SubjectErased' ? 'ERASED' : 'ERASING' }),
  decide: (state, command): Decision<SubjectFact> => {
    if (command.type === 'ConfirmErasure') return record({ type: 'SubjectErased', payload: command.payload });
    if (state.status !== 'KNOWN') return { events: [] };
    return record({ type: 'ErasureRequested', payload: command.payload });
  },
  projections: [],
};
