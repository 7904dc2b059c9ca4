import type { StoredEvent } from '../eventstore/event.ts';
import { type LogPlace, matchesEvent } from '../eventstore/log/read.ts';
import type { ProjectionState, ProjectionStatus } from '../eventstore/projection/status.ts';
import { builder } from '../graphql/builder.ts';
import { AFTER, ChangeRef, type ChangeShape, changeUnion } from '../graphql/change.ts';
import { invalidInput } from '../graphql/errors.ts';
import { toUuid } from '../graphql/global-id.ts';
import { connectionOf, decodeCursor, encodeCursor, type PageArgs, pageSize } from '../graphql/paging.ts';
import { eventFilterOf, interestIn } from './filter.ts';
import { EventConnection, EventRef, RoleRef } from './graphql.ts';

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
      'The log itself, for auditors: by aggregate, type, actor, role, reason, time. Oldest recorded first.',
    args: { filter: t.arg({ type: EventFilterInput }), first: t.arg.int(), after: t.arg.string() },
    resolve: async (_root, { filter, ...args }, { store }) => {
      const { size } = pageSize(args);
      const place = placeOf(args);
      const page = { limit: size + 1, ...(place === undefined ? {} : { after: place }) };
      const events = await store.pageEvents(eventFilterOf(filter), page);
      return connectionOf(events, args, (event) => encodeCursor([event.recordedAt, event._id.toString()]));
    },
  }),
  projections: t.field({
    type: [ProjectionStatusRef],
    authScopes: { auditor: true },
    description: 'How far behind the log each read model is.',
    resolve: (_root, _args, { projections }) => projections(),
  }),
}));

function placeOf(args: PageArgs): LogPlace | undefined {
  if (args.after === null || args.after === undefined) return undefined;
  const [recordedAt, id] = decodeCursor(args.after, 2, 'after');
  const uuid = typeof id === 'string' ? toUuid('Event', id) : undefined;
  if (!(recordedAt instanceof Date) || uuid === undefined) {
    throw invalidInput('after is no cursor of this list.', 'after');
  }
  return { recordedAt, id: uuid };
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
