import type { ObjectRef } from '@pothos/core';
import type { GapReason } from '../eventstore/feed/gap.ts';
import { builder, type Types } from './builder.ts';

/** The description of every subscription's argument `after`. */
export const AFTER =
  'The cursor of the last item that was received, of a subscription with the same filter: what was missed since follows, ' +
  'once and in order, or a Heartbeat where nothing was. Where it cannot be told any more, a Gap and a snapshot come first, ' +
  'as they do for the cursor of a snapshot that was not complete. Over Server-Sent Events, `Last-Event-ID` does the same. ' +
  'INVALID_CURSOR: it is of another tenant or subscription, or damaged.';

/** What every item of every subscription carries. */
export interface ChangeShape {
  readonly cursor: string;
}

interface GapShape extends ChangeShape {
  readonly kind: 'gap';
  readonly reason: GapReason;
}

interface HeartbeatShape extends ChangeShape {
  readonly kind: 'heartbeat';
  readonly at: Date;
}

/** The interface of all members of the unions of changes. */
export const ChangeRef = builder.interfaceRef<ChangeShape>('Change').implement({
  description: 'An item of a subscription.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description:
        'An opaque place in the feed, for `after`. It holds in every gateway, after restarts, too.',
    }),
  }),
});

const GapReasonRef = builder.enumType('GapReason', {
  description: 'Why changes could not be replayed.',
  values: {
    HISTORY_LOST: {
      description: 'The database no longer keeps the changes since then, or the read model was replaced.',
    },
    SNAPSHOT_INTERRUPTED: { description: 'The snapshot broke off half-way.' },
  } satisfies Record<GapReason, { description: string }>,
});

const Gap = builder.objectRef<GapShape>('Gap').implement({
  description:
    'What lies between the last cursor and this one could not be replayed. Forget what you have: a snapshot follows, but for ' +
    '`eventsAppended`.',
  interfaces: [ChangeRef],
  fields: (t) => ({ reason: t.expose('reason', { type: GapReasonRef }) }),
});

const Heartbeat = builder.objectRef<HeartbeatShape>('Heartbeat').implement({
  description: 'Nothing happened; the feed is alive. Its cursor saves going far back.',
  interfaces: [ChangeRef],
  fields: (t) => ({ at: t.expose('at', { type: 'DateTime' }) }),
});

interface Kinded extends ChangeShape {
  readonly kind: string;
}

/**
 * Declares the union that a subscription yields: the members given here by the `kind` of the feed's items, and
 * Gap and Heartbeat beside them. The resolver returns the feed's item as it is.
 */
export function changeUnion<M extends ObjectRef<Types, Kinded>>(
  name: string,
  members: Readonly<Record<string, M>>,
) {
  const names = new Map(Object.entries(members).map(([kind, ref]) => [kind, ref.name]));
  names.set('gap', Gap.name).set('heartbeat', Heartbeat.name);
  return builder.unionType(name, {
    types: [...Object.values(members), Gap, Heartbeat],
    resolveType: (change) => names.get(change.kind) ?? null,
  });
}
