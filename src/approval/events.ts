import { z } from 'zod';
import { defineEvent, type Fact, type Recorded } from '../eventstore/event.ts';
import { dateTime, note, oneLine, text } from '../eventstore/payload.ts';

/** The longest canonical arguments, in characters; an event is at most 64 KiB. */
export const MAX_ARGUMENTS = 8_000;

const count = z.object({ name: text, count: z.int().min(0) });
const counts = z.array(count).max(50);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex digits');

const decision = { version: 1, aggregateType: 'Approval', effect: 'decision' } as const;

export const approvalEvents = [
  defineEvent({
    ...decision,
    type: 'ApprovalRequested',
    doc: 'A person asked for something that no one person may do alone.',
    payload: z.object({
      action: text,
      arguments: oneLine(z.string().min(2).max(MAX_ARGUMENTS)).meta({ description: 'Canonical JSON.' }),
      hash: sha256.meta({
        description: 'Of action, arguments and counts: what an approver says to have seen.',
      }),
      counts: counts.meta({ description: 'What the dry run would have touched.' }),
      reason: note,
      required: z
        .int()
        .min(0)
        .meta({ description: 'People who have to approve; 0 where one broke the glass.' }),
      expiresAt: dateTime,
    }),
  }),
  defineEvent({
    ...decision,
    type: 'ApprovalGlassBroken',
    doc: 'In an emergency, who asked goes ahead alone: nobody has approved, and everybody is to know.',
    payload: z.object({ expiresAt: dateTime }),
  }),
  defineEvent({
    ...decision,
    type: 'ApprovalVoted',
    doc: 'A person who saw just this approved it.',
    payload: z.object({ hash: sha256, comment: note.optional() }),
  }),
  defineEvent({
    ...decision,
    type: 'ApprovalGranted',
    doc: 'As many people as are required have approved; it is to be done before expiresAt.',
    payload: z.object({ expiresAt: dateTime }),
  }),
  defineEvent({
    ...decision,
    type: 'ApprovalRejected',
    doc: 'A person vetoed it: one veto ends it.',
    payload: z.object({ reason: note }),
  }),
  defineEvent({
    ...decision,
    type: 'ApprovalCancelled',
    doc: 'It was called off before anything was done.',
    payload: z.object({ reason: note.optional() }),
  }),
  defineEvent({
    ...decision,
    type: 'ApprovalExpired',
    doc: 'Too few approved it in time, or it was not done in time.',
    payload: z.object({}),
  }),
  defineEvent({
    ...decision,
    type: 'ApprovalStartedAnew',
    doc: 'It would now touch over 10 % more than was approved: all votes fall, and people are asked again.',
    payload: z.object({ hash: sha256, counts, expiresAt: dateTime }),
  }),
  defineEvent({
    ...decision,
    type: 'ApprovalExecutionStarted',
    doc: 'It is being done from here on; what is begun is brought to its end.',
    payload: z.object({ counts }),
  }),
  defineEvent({
    ...decision,
    type: 'ApprovalSucceeded',
    doc: 'It is done.',
    payload: z.object({ summary: note }),
  }),
  defineEvent({
    ...decision,
    type: 'ApprovalFailed',
    doc: 'It cannot be done; the summary says why, and what was done all the same.',
    payload: z.object({ summary: note }),
  }),
] as const;

export type ApprovalEvent = Recorded<(typeof approvalEvents)[number]>;
export type ApprovalFact = Fact<(typeof approvalEvents)[number]>;
export type Count = z.infer<typeof count>;
