import type { StoredEvent } from '../eventstore/event.ts';
import { matchesEvent } from '../eventstore/log/event-filter.ts';
import { LOG_START, type LogPage, type LogPosition } from '../eventstore/log/position.ts';
import { positionText } from '../eventstore/log/position-text.ts';
import type { ProjectionState, ProjectionStatus } from '../eventstore/projection/status.ts';
import { builder } from '../graphql/builder.ts';
import { AFTER, ChangeRef, type ChangeShape, changeUnion } from '../graphql/change.ts';
import type { Context } from '../graphql/context.ts';
import { type PageArgs, pageSize, type RelayConnection } from '../graphql/paging.ts';
import { eventFilterOf, interestIn } from './filter.ts';
import { EventConnection, EventRef, RoleRef } from './graphql.ts';
import { positionAfter } from './log-cursor.ts';

const EventFilterInput = builder.inputType('EventFilter', {
  description: 'Every field that is given must fit; a list fits by any of its members.',
  fields: (t) => ({
    aggregateId: t.idList({ description: 'What it happened to.' }),
    aggregateType: t.stringList(),
    type: t.stringList({ description: '`TenderAccepted` …' }),
    actorId: t.stringList(),
    role: t.field({ type: [RoleRef] }),
    reasonCode: t.stringList(),
    occurredFrom: t.field({ type: 'DateTime' }),
    occurredTo: t.field({ type: 'DateTime', description: 'Inclusive, as are the other bounds.' }),
    recordedFrom: t.field({ type: 'DateTime' }),
    recordedTo: t.field({ type: 'DateTime' }),
  }),
});

const ProjectionStateRef = builder.enumType('ProjectionState', {
  description: 'What a read model is doing.',
  values: {
    inline: { description: 'Written together with the events.' },
    waiting: { description: 'No process folds it at the moment.' },
    catching_up: { description: 'Folds what is in the log already.' },
    following: { description: 'Takes events as they come.' },
    degraded: {
      description: 'Follows, but some rows stay behind because of an event that cannot be folded.',
    },
  } satisfies Record<ProjectionState, { description: string }>,
});

const ProjectionStatusRef = builder.objectRef<ProjectionStatus>('ProjectionStatus').implement({
  description: 'How far a read model has followed the log.',
  fields: (t) => ({
    name: t.exposeString('name'),
    version: t.exposeInt('version'),
    mode: t.exposeString('mode', {
      description: '`inline`: written together with the events. `async`: follows them.',
    }),
    lagMs: t.exposeFloat('lagMs', {
      description:
        'How long the oldest event it has not taken yet has been waiting; 0 when level with the log.',
    }),
    state: t.expose('state', { type: ProjectionStateRef }),
    rowsBehind: t.exposeInt('rowsBehind', { description: 'Rows that could not be folded on.' }),
    upTo: t.expose('upTo', {
      type: 'DateTime',
      nullable: true,
      description: 'The newest recordedAt it has taken, where it is known.',
    }),
  }),
});

builder.queryFields((t) => ({
  events: t.field({
    type: EventConnection,
    authScopes: { auditor: true },
    description:
      'The log itself, for auditors and integrations: by aggregate, type, actor, role, reason, time. In the order in which ' +
      'the database took the events, whichever gateway recorded them. Nothing appears behind a cursor: whoever goes on ' +
      'from `endCursor` misses no event and gets none twice. A page may be shorter than asked for, even empty, while ' +
      '`hasNextPage` is true. What `import-events` brings stands among what was recorded at the same time.',
    args: { filter: t.arg({ type: EventFilterInput }), first: t.arg.int(), after: t.arg.string() },
    resolve: async (_root, { filter, ...args }, { store }) => {
      const { size } = pageSize(args);
      const after = await positionOf(store, args);
      return connectionIn(await store.pageEvents(eventFilterOf(filter), { after, limit: size }), args);
    },
  }),
  projections: t.field({
    type: [ProjectionStatusRef],
    authScopes: { auditor: true },
    description: 'How far behind the log each read model is.',
    resolve: (_root, _args, { projections }) => projections(),
  }),
}));

async function positionOf(store: Context['store'], { after }: PageArgs): Promise<LogPosition> {
  if (after === null || after === undefined) return LOG_START;
  return positionAfter(after, async (id) => (await store.eventsByIds([id]))[0] ?? null);
}

/** The page as Relay has it. Cursors are made for whoever asks: one may name hundreds of events. */
function connectionIn({ items, end, more }: LogPage, { after }: PageArgs): RelayConnection<StoredEvent> {
  const edges = items.map(({ event, position }) => ({
    node: event,
    get cursor(): string {
      return positionText(position());
    },
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: more,
      hasPreviousPage: after !== null && after !== undefined,
      get startCursor(): string | null {
        return edges[0]?.cursor ?? null;
      },
      // Of an empty page, too: whoever waits at the end goes on from there.
      get endCursor(): string {
        return positionText(end);
      },
    },
  };
}

interface EventAppendedShape extends ChangeShape {
  readonly kind: 'appended';
  readonly event: StoredEvent;
}

const EventAppended = builder.objectRef<EventAppendedShape>('EventAppended').implement({
  interfaces: [ChangeRef],
  fields: (t) => ({ event: t.expose('event', { type: EventRef }) }),
});

const EventChange = changeUnion('EventChange', { appended: EventAppended });

builder.subscriptionField('eventsAppended', (t) =>
  t.field({
    type: EventChange,
    authScopes: { auditor: true },
    description: 'The log as it grows, for auditors and integrations.',
    args: { filter: t.arg({ type: EventFilterInput }), after: t.arg.string({ description: AFTER }) },
    subscribe: (_root, { filter, after }, { feed }) => {
      const wanted = eventFilterOf(filter);
      return feed.log({
        matches: (event) => matchesEvent(wanted, event),
        interest: interestIn(wanted),
        after,
      });
    },
    resolve: (change) => change,
  }),
);
