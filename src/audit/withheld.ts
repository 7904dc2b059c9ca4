import type { StoredEvent } from '../eventstore/event.ts';

/** The actor's id in an event of which the caller may not know who caused it. */
export const WITHHELD_ACTOR = 'withheld';

/** That something happened, and nothing else of it: for a caller who may know no more. */
export function withheld(event: StoredEvent): StoredEvent {
  const { reasonCode: _reason, metadata, ...rest } = event;
  const { traceId: _trace, ...kept } = metadata;
  return { ...rest, metadata: kept, payload: {}, actor: { id: WITHHELD_ACTOR, role: event.actor.role } };
}
