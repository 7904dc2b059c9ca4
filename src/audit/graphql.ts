import { type Actor, ROLES, type StoredEvent } from '../eventstore/event.ts';
import { effectiveAt } from '../eventstore/time-order.ts';
import { builder, orAbsent, uncached } from '../graphql/builder.ts';
import { isAuditor } from '../graphql/context.ts';
import { costs } from '../graphql/cost.ts';
import { encodeGlobalId } from '../graphql/global-id.ts';

/** The roles of callers, as events and filters name them. */
export const RoleRef = builder.enumType('Role', {
  description: 'Who may act.',
  values: ROLES,
});

/** Who did something. */
export const ActorRef = builder.objectRef<Actor>('Actor').implement({
  description: 'Who did it.',
  fields: (t) => ({
    id: t.exposeString('id'),
    role: t.expose('role', { type: RoleRef }),
  }),
});

/** An event as the log has it. A context that shows a caller less gives a copy without what is withheld. */
export const EventRef = builder.loadableNode(builder.objectRef<StoredEvent>('Event'), {
  description: 'A fact, immutable, at its place in the stream of one aggregate.',
  id: { resolve: (event) => event._id.toString() },
  loaderOptions: uncached,
  load: async (ids: string[], context) => {
    const { access } = context;
    // Whoever may not read the log reaches events through what they happened to, never by id.
    if (access === null || !isAuditor(access)) return orAbsent<StoredEvent>(ids.map(() => null));
    return orAbsent(await context.store.eventsByIds(ids));
  },
  fields: (t) => ({
    type: t.exposeString('type', { description: 'What happened: `TenderAccepted` …' }),
    version: t.exposeInt('version', { description: "Of the payload's schema." }),
    aggregateType: t.exposeString('aggregateType'),
    aggregateId: t.id({
      description: 'The global id of what it happened to.',
      resolve: (event) => encodeGlobalId(event.aggregateType, event.aggregateId.toString()),
    }),
    sequence: t.exposeInt('sequence', { description: 'Its place in the stream, from 1, without holes.' }),
    payload: t.field({ type: 'JSON', extensions: costs({ points: 20 }), resolve: (event) => event.payload }),
    occurredAt: t.expose('occurredAt', { type: 'DateTime', description: 'By whoever saw it.' }),
    effectiveAt: t.field({
      type: 'DateTime',
      description:
        'When it takes effect, as `asOf` has it: an observation (a fix, an arrival) at occurredAt, a decision (an offer, ' +
        'an acceptance) at occurredAt, but never before the decisions that stand earlier in the stream.',
      resolve: effectiveAt,
    }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'By the server.' }),
    actor: t.expose('actor', { type: ActorRef }),
    reasonCode: t.exposeString('reasonCode', { nullable: true }),
    traceId: t.string({ nullable: true, resolve: (event) => event.metadata.traceId }),
    correlationId: t.string({
      description: 'One id for everything that came of one request.',
      resolve: (event) => event.metadata.correlationId,
    }),
    origin: t.string({ description: 'The channel.', resolve: (event) => event.metadata.origin }),
    producerId: t.string({ description: 'The process.', resolve: (event) => event.metadata.producerId }),
  }),
});

/** A page of events: of the log, or of one aggregate's history. */
export const EventConnection = builder.connectionObject(
  { type: EventRef, name: 'EventConnection' },
  { name: 'EventEdge' },
);

/** The arguments of every `history`: which page of it. */
export const HISTORY_ARGS = builder.args((t) => ({
  first: t.int({ description: 'How many; 50 unless asked otherwise, at most 200.' }),
  after: t.string({ description: 'The cursor of the event to go on after.' }),
}));
