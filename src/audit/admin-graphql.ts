import type { AdminAction } from '../eventstore/admin-actions.ts';
import { builder } from '../graphql/builder.ts';
import { keysetPage, type Order } from '../graphql/paging.ts';
import { ActorRef } from './graphql.ts';

/** The latest first. */
const ORDER: Order<AdminAction> = [
  ['at', -1],
  ['_id', -1],
];

const AdminActionRef = builder.objectRef<AdminAction>('AdminAction').implement({
  description:
    'What somebody did past the commands of the business: to keys, approvals, the log or read models.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    who: t.expose('who', { type: ActorRef, description: 'Who.' }),
    what: t.exposeString('what', { description: 'What: `api-key created`, `approval: VetoApproval` …' }),
    before: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it was done to, as it was; null where it was not, or there is no telling.',
      resolve: ({ before }) => before ?? null,
    }),
    after: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The same as it was afterwards.',
      resolve: ({ after }) => after ?? null,
    }),
    details: t.field({
      type: 'JSON',
      description: 'What else there is to say.',
      resolve: ({ details }) => details,
    }),
  }),
});

builder.queryFields((t) => ({
  adminActions: t.connection(
    {
      type: AdminActionRef,
      authScopes: { administrator: true },
      description:
        'The admin log of the tenant, for administrators: the latest first, in pages of 50 unless asked otherwise, at most ' +
        '200. What concerns the whole database is told by `waybill admin-log` alone.',
      args: { what: t.arg.string({ description: 'Only actions of this name.' }) },
      resolve: (_root, { what, ...page }, { admin }) =>
        keysetPage(page, ORDER, (query) => admin.noted({ ...query, what: what ?? undefined })),
    },
    { name: 'AdminActionConnection', description: 'A page of the admin log.' },
    { name: 'AdminActionEdge' },
  ),
}));
