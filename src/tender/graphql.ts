import { isPast } from '../eventstore/time/as-of.ts';
import { builder } from '../graphql/builder.ts';
import { requireAccess } from '../graphql/context.ts';
import { toUuid } from '../graphql/global-id.ts';
import { keysetPage, type Order } from '../graphql/paging.ts';
import { selectTenders } from './filter.ts';
import { TenderFilterInput } from './inputs.ts';
import { tender } from './tender.ts';
import './mutations.ts';
import { TenderRef } from './objects.ts';
import { type TenderRow, tendersRead } from './projection.ts';
import './subscription.ts';
import { asSeenBy } from './visibility.ts';

// A tender's files in the order of its life: command → decide (with answer, amend, transit and offer; pure) → events
// → evolve (state) → projection (the row) are what happens; tender.ts joins them to a stream. inputs → mutations → give hand commands over;
// objects shows the row to those who may see it (visibility); this file and subscription select rows by filter.

const ORDERS = {
  LAST_CHANGED_FIRST: [
    ['updatedAt', -1],
    ['_id', -1],
  ],
  NEWEST_FIRST: [
    ['createdAt', -1],
    ['_id', -1],
  ],
  OLDEST_FIRST: [
    ['createdAt', 1],
    ['_id', 1],
  ],
} as const satisfies Record<string, Order<TenderRow>>;

const TenderOrderRef = builder.enumType('TenderOrder', {
  description: 'The order of a list of tenders.',
  values: {
    LAST_CHANGED_FIRST: {
      description:
        'By the recording of the last event. A tender that changes between two pages moves to the front, so that the next ' +
        'page does not have it: for a first page that is shown and asked for again, not to read all.',
    },
    NEWEST_FIRST: { description: 'By the recording of the first event.' },
    OLDEST_FIRST: { description: 'By the recording of the first event, oldest first.' },
  } satisfies Record<keyof typeof ORDERS, { description: string }>,
});

builder.queryField('tender', (t) =>
  t.field({
    type: TenderRef,
    nullable: true,
    description:
      'One tender as it is now, or as it was at `asOf` (by occurredAt), as far as was known at `knownAt` (by recordedAt).',
    args: {
      id: t.arg.id({ required: true, description: 'Its global id, or its bare UUID.' }),
      asOf: t.arg({ type: 'DateTime', description: 'Leaves out what happened later.' }),
      knownAt: t.arg({ type: 'DateTime', description: 'Leaves out what was told later.' }),
    },
    resolve: async (_root, { id, asOf, knownAt }, context) => {
      const uuid = toUuid('Tender', id);
      if (uuid === undefined) return null;
      // The loader reads it together with the others of this request.
      if (!isPast({ asOf, knownAt })) return uuid;
      const row = await context.store.rowAsOf(tender, tendersRead, uuid, { asOf, knownAt });
      return row === null ? null : asSeenBy(requireAccess(context), row);
    },
  }),
);

builder.queryField('tenders', (t) =>
  t.connection(
    {
      type: TenderRef,
      description: 'The tenders that match, in pages of 50 unless asked otherwise, at most 200.',
      args: {
        filter: t.arg({
          type: TenderFilterInput,
          description: 'Which; by default all that the caller may see.',
        }),
        orderBy: t.arg({
          type: TenderOrderRef,
          defaultValue: 'NEWEST_FIRST',
          description:
            'In which order; by default one that no change of a tender moves, so that no page misses any.',
        }),
      },
      resolve: async (_root, { filter, orderBy, ...page }, context) => {
        const access = requireAccess(context);
        const selected = selectTenders(access, filter);
        const rows = context.store.rows(tendersRead);
        const order: Order<TenderRow> = ORDERS[orderBy ?? 'NEWEST_FIRST'];
        return keysetPage(page, order, async (query) => {
          const found = await rows.find({ $and: [selected.filter, query.filter] }, query);
          return found.map((row) => asSeenBy(access, row)).filter((row) => row !== null);
        });
      },
    },
    { name: 'TenderConnection', description: 'A page of tenders.' },
    { name: 'TenderEdge', description: 'A tender and its place in the list.' },
  ),
);
