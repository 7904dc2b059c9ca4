import { builder } from '../graphql/builder.ts';
import { commonFields } from '../graphql/inputs.ts';
import { ApprovalStatusRef } from './objects.ts';

/** What is asked for is the same for those who ask and for who goes ahead alone. */
function askingInput(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({
      action: t.string({ required: true, description: 'The name of a protected action.' }),
      arguments: t.field({
        type: 'JSON',
        required: true,
        description: 'Its arguments, as its description says.',
      }),
      reason: t.string({
        required: true,
        description: 'Why, for those who are to approve and for auditors.',
      }),
      ...commonFields(t),
    }),
  });
}

export const RequestApprovalInput = askingInput('RequestApprovalInput', 'What is to be done, and why.');
export const BreakGlassInput = askingInput(
  'BreakGlassInput',
  'What has to be done now, and why it cannot wait.',
);

export const VoteRef = builder.enumType('ApprovalVoteKind', {
  description: 'What a person says to what is asked for.',
  values: {
    APPROVE: { description: 'It is to be done' },
    VETO: { description: 'It is not to be done: one veto ends it' },
  },
});

export const VoteOnApprovalInput = builder.inputType('VoteOnApprovalInput', {
  description: 'A vote on what was seen.',
  fields: (t) => ({
    approvalId: t.id({ required: true, description: 'The approval.' }),
    hash: t.string({ required: true, description: 'Its `hash`, as it was seen.' }),
    vote: t.field({ type: VoteRef, required: true, description: 'For or against.' }),
    reason: t.string({ description: 'Why; a veto needs one.' }),
    ...commonFields(t),
  }),
});

export const CancelApprovalInput = builder.inputType('CancelApprovalInput', {
  description: 'Which approval is called off, and why.',
  fields: (t) => ({
    approvalId: t.id({ required: true, description: 'The approval.' }),
    reason: t.string({ description: 'Why.' }),
    ...commonFields(t),
  }),
});

export const ApprovalFilterInput = builder.inputType('ApprovalFilter', {
  description: 'Every given field must fit, with any of its values.',
  fields: (t) => ({
    ids: t.idList({ description: 'These approvals.' }),
    status: t.field({ type: [ApprovalStatusRef], description: 'In these states.' }),
    action: t.stringList({ description: 'Of these protected actions.' }),
    askedBy: t.stringList({ description: 'Asked for by these people.' }),
  }),
});
