import { EventRef } from '../audit/graphql.ts';
import { builder } from '../graphql/builder.ts';
import { AFTER, ChangeRef, type ChangeShape, changeUnion } from '../graphql/change.ts';
import { type Context, requireAccess } from '../graphql/context.ts';
import { encodeGlobalId } from '../graphql/global-id.ts';
import { selectTenders } from './filter.ts';
import { TenderFilterInput } from './inputs.ts';
import { TenderRef } from './objects.ts';
import { type TenderRow, tendersRead } from './projection.ts';
import { asSeenBy } from './visibility.ts';

interface Snapshot extends ChangeShape {
  readonly kind: 'snapshot';
  readonly rows: readonly TenderRow[];
  readonly complete: boolean;
}

interface Updated extends ChangeShape {
  readonly kind: 'updated';
  readonly row: TenderRow;
}

interface Left extends ChangeShape {
  readonly kind: 'left';
  readonly id: string;
}

const TendersSnapshot = builder.objectRef<Snapshot>('TendersSnapshot').implement({
  description: 'Tenders that matched when the subscription began; it may come in several parts.',
  interfaces: [ChangeRef],
  fields: (t) => ({
    tenders: t.field({
      type: [TenderRef],
      description: 'Some or all of them.',
      resolve: ({ rows }, _args, context) => {
        const access = requireAccess(context);
        return rows.map((row) => asSeenBy(access, row)).filter((row) => row !== null);
      },
    }),
    complete: t.exposeBoolean('complete', { description: 'True on the last part; changes follow.' }),
  }),
});

function seen(row: TenderRow, context: Context): TenderRow {
  const mine = asSeenBy(requireAccess(context), row);
  if (mine === null) throw new Error(`The feed gave tender ${row.id} to a caller that may not see it.`);
  return mine;
}

const TenderUpdated = builder.objectRef<Updated>('TenderUpdated').implement({
  description: 'One event changed a tender that matches. Every event of the tender comes, in order.',
  interfaces: [ChangeRef],
  fields: (t) => ({
    tender: t.field({
      type: TenderRef,
      description: 'As the event left it.',
      resolve: ({ row }, _args, context) => seen(row, context),
    }),
    event: t.field({
      type: EventRef,
      description: 'What happened.',
      resolve: ({ row }, _args, context) => seen(row, context).lastEvent,
    }),
  }),
});

const TenderLeft = builder.objectRef<Left>('TenderLeft').implement({
  description: 'A tender that matched does not match any more.',
  interfaces: [ChangeRef],
  fields: (t) => ({
    id: t.id({ description: 'Which.', resolve: ({ id }) => encodeGlobalId('Tender', id) }),
  }),
});

const TenderChange = changeUnion('TenderChange', {
  snapshot: TendersSnapshot,
  updated: TenderUpdated,
  left: TenderLeft,
});

builder.subscriptionField('tenderChanges', (t) =>
  t.field({
    type: TenderChange,
    description:
      'First the tenders that match, then each change, in order, none missing. A subscriber that cannot keep up is ' +
      'closed, and can resume.',
    args: {
      filter: t.arg({
        type: TenderFilterInput,
        description: 'Which tenders; by default all that the caller may see.',
      }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: (_root, { filter, after }, context) =>
      context.feed.ordered({
        projection: tendersRead,
        ...selectTenders(requireAccess(context), filter),
        after,
      }),
    resolve: (change) => change,
  }),
);
