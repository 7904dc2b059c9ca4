import type { RowFilter } from '../eventstore/projection/rows.ts';
import { builder } from '../graphql/builder.ts';
import { requireAccess } from '../graphql/context.ts';
import { toUuid } from '../graphql/global-id.ts';
import { keysetPage, type Order } from '../graphql/paging.ts';
import { allFilters, fieldAmong, rowIds } from '../graphql/row-conditions.ts';
import { ApprovalFilterInput } from './inputs.ts';
import './mutations.ts';
import { ApprovalRef, ProtectedActionRef } from './objects.ts';
import { type ApprovalRow, approvalsRead } from './projection.ts';

/** What was asked for last comes first. */
const ORDER: Order<ApprovalRow> = [
  ['askedAt', -1],
  ['_id', -1],
];

/** A filter in MongoDB's query language; every given field must fit, with any of its values. */
function rowFilter(
  tenantId: string,
  filter: typeof ApprovalFilterInput.$inferInput | null | undefined,
): RowFilter {
  const { ids, status, action, askedBy } = filter ?? {};
  const filters: RowFilter[] = [];
  if (ids) filters.push(fieldAmong('_id', rowIds(tenantId, 'Approval', ids)));
  if (status) filters.push(fieldAmong('status', status));
  if (action) filters.push(fieldAmong('action', action));
  if (askedBy) filters.push(fieldAmong('askedBy.id', askedBy));
  return allFilters(filters);
}

builder.queryFields((t) => ({
  approval: t.field({
    type: ApprovalRef,
    nullable: true,
    authScopes: { auditor: true },
    description: 'One approval.',
    args: { id: t.arg.id({ required: true, description: 'Its global id, or its bare UUID.' }) },
    resolve: (_root, { id }) => toUuid('Approval', id) ?? null,
  }),
  approvals: t.connection(
    {
      type: ApprovalRef,
      authScopes: { auditor: true },
      description:
        'Approvals that match, the latest first, in pages of 50 unless asked otherwise, at most 200.',
      args: { filter: t.arg({ type: ApprovalFilterInput, description: 'Which; by default all.' }) },
      resolve: (_root, { filter, ...page }, context) => {
        const own = rowFilter(requireAccess(context).tenantId, filter);
        const rows = context.store.rows(approvalsRead);
        return keysetPage(page, ORDER, (query) => rows.find({ $and: [own, query.filter] }, query));
      },
    },
    { name: 'ApprovalConnection', description: 'A page of approvals.' },
    { name: 'ApprovalEdge' },
  ),
  protectedActions: t.field({
    type: [ProtectedActionRef],
    authScopes: { auditor: true },
    description: 'What no one person may do alone.',
    resolve: (_root, _args, { admin }) => [...admin.actions],
  }),
}));
