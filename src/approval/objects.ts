import { ActorRef, EventConnection, EventRef, HISTORY_ARGS } from '../audit/graphql.ts';
import { historyOf } from '../audit/history.ts';
import { builder, uncached } from '../graphql/builder.ts';
import { isAuditor, requireAccess } from '../graphql/context.ts';
import type { ProtectedAction } from '../protected/action.ts';
import { approval } from './approval.ts';
import type { Count } from './events.ts';
import { type ApprovalRow, approvalsRead, type Vote } from './projection.ts';
import { APPROVAL_STATUSES, type ApprovalStatus } from './state.ts';

export const ApprovalStatusRef = builder.enumType('ApprovalStatus', {
  description: 'How far an approval is.',
  values: Object.fromEntries(
    Object.entries(APPROVAL_STATUSES).map(([name, description]) => [name, { description }]),
  ) as Record<ApprovalStatus, { description: string }>,
});

const ApprovalCountRef = builder.objectRef<Count>('ApprovalCount').implement({
  description: 'How much of one kind of thing an action would touch.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What is counted.' }),
    count: t.exposeFloat('count', { description: 'How many; a whole number.' }),
  }),
});

const ApprovalVoteRef = builder.objectRef<Vote>('ApprovalVote').implement({
  description: 'A person who has approved.',
  fields: (t) => ({
    by: t.expose('by', { type: ActorRef, description: 'Who.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was recorded.' }),
    comment: t.exposeString('comment', { nullable: true, description: 'What the person said to it.' }),
  }),
});

export const ProtectedActionRef = builder.objectRef<ProtectedAction>('ProtectedAction').implement({
  description: 'Something that no one person may do alone.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As `requestApproval` takes it.' }),
    description: t.exposeString('doc', { description: 'What it does, and its arguments.' }),
    mayAsk: t.stringList({
      description: 'The roles that may ask for it.',
      resolve: ({ mayAsk }) => [...mayAsk],
    }),
    mayVote: t.stringList({
      description: 'The roles that may approve, veto and cancel it.',
      resolve: ({ mayVote }) => [...mayVote],
    }),
    breakGlass: t.exposeBoolean('breakGlass', {
      description: 'Whether one person alone may do it in an emergency.',
    }),
  }),
});

/** An approval. Resolvers return its row, or its id (a UUID in text form). */
export const ApprovalRef = builder.loadableNode(builder.objectRef<ApprovalRow>('Approval'), {
  description:
    'Something that several people have to agree to: what is asked for, who agreed, and what came of it.',
  id: { resolve: (row) => row.id, description: 'Global id.' },
  loaderOptions: uncached,
  load: async (ids: string[], context) => {
    // Carriers, drivers and devices see none.
    if (!isAuditor(requireAccess(context))) return [];
    const rows = await context.store.rows(approvalsRead).byIds(ids);
    return rows.filter((row) => row !== null);
  },
  // What is not found becomes null.
  sort: (row) => row.id,
  fields: (t) => ({
    status: t.expose('status', { type: ApprovalStatusRef, description: 'How far it is.' }),
    action: t.exposeString('action', { description: 'What is to be done: the name of a protected action.' }),
    arguments: t.field({
      type: 'JSON',
      description: 'With what.',
      resolve: (row): unknown => JSON.parse(row.arguments),
    }),
    hash: t.exposeString('hash', {
      description:
        'SHA-256, 64 hex digits, of the canonical JSON (RFC 8785) of `action`, `arguments` and `counts`. Who approves sends ' +
        'the one that was seen.',
    }),
    counts: t.field({
      type: [ApprovalCountRef],
      description: 'What the dry run would have touched.',
      resolve: ({ counts }) => [...counts],
    }),
    reason: t.exposeString('reason', { description: 'Why it is asked for.' }),
    required: t.exposeInt('required', {
      description: 'How many people have to approve, beside who asks; 0 where one broke the glass.',
    }),
    brokeGlass: t.exposeBoolean('brokeGlass', { description: 'Whether who asked goes ahead alone.' }),
    askedBy: t.expose('askedBy', { type: ActorRef, description: 'Who asks.' }),
    askedAt: t.expose('askedAt', { type: 'DateTime', description: 'When it was asked for.' }),
    votes: t.field({
      type: [ApprovalVoteRef],
      description: 'Who has approved what is asked for now.',
      resolve: ({ votes }) => [...votes],
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'When it ends by itself, unless it is approved, or begun, before.',
    }),
    startedAnew: t.exposeInt('startedAnew', {
      description: 'How often all votes fell because it would have touched over 10 % more than was seen.',
    }),
    endedAt: t.expose('endedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it came to its end.',
    }),
    endedBy: t.expose('endedBy', { type: ActorRef, nullable: true, description: 'Who ended it.' }),
    summary: t.exposeString('summary', {
      nullable: true,
      description: 'What came of it, or why it was vetoed or called off.',
    }),
    lastEvent: t.expose('lastEvent', { type: EventRef, description: 'What happened to it last.' }),
    history: t.field({
      type: EventConnection,
      description: 'All that was recorded of it, in the order of recording.',
      args: HISTORY_ARGS,
      resolve: (row, page, context) => historyOf(context, { aggregateType: approval.type, id: row.id }, page),
    }),
  }),
});
