import { BSON, UUID } from 'mongodb';
import { type Refusal, refusal } from '../refusal.ts';
import type { Aggregate, Command } from './aggregate.ts';
import type { Folded } from './cache.ts';
import type { NewEvent, StoredEvent } from './event.ts';
import type { Job } from './intent.ts';
import { foldEvent } from './load.ts';
import { checkPayload } from './registry.ts';
import type { RowWrite } from './row-writes.ts';
import type { Store } from './store.ts';

/** The largest event, in BSON bytes; more goes to object storage by reference (D-10). */
export const EVENT_MAX_BYTES = 64 * 1_024;

/** Decided facts with their ids and places, and the stream as they leave it; nothing is written yet. */
export interface Draft {
  readonly events: readonly StoredEvent[];
  readonly rows: readonly RowWrite[];
  readonly folded: Folded;
}

/** The stream that facts are drafted onto. */
export interface Target {
  readonly aggregate: Aggregate<unknown, Command>;
  readonly id: string;
  readonly command: Command;
}

/**
 * Makes stored events of facts.
 * @param firstIndex the place of the first fact among all facts of the command, which its id is made of.
 * @returns the draft, or INVALID_INPUT when a payload does not fit its schema or is too large.
 */
export function draftEvents(
  store: Store,
  job: Job,
  target: Target,
  facts: readonly NewEvent[],
  before: Folded,
  firstIndex: number,
): Draft | { readonly refused: Refusal } {
  const events: StoredEvent[] = [];
  const rows: RowWrite[] = [];
  let folded = before;
  for (const [index, fact] of facts.entries()) {
    const event = storedEvent(store, job, target, fact, folded.sequence + 1, firstIndex + index);
    if ('refused' in event) return event;
    folded = foldEvent(target.aggregate, folded, event);
    events.push(event);
    for (const { mode, name } of target.aggregate.projections) {
      const row = folded.rows[name];
      if (mode === 'inline' && row) rows.push({ projection: name, row });
    }
  }
  return { events, rows, folded };
}

function storedEvent(
  store: Store,
  job: Job,
  { aggregate, id, command }: Target,
  fact: NewEvent,
  sequence: number,
  index: number,
): StoredEvent | { readonly refused: Refusal } {
  const definition = store.registry.latest(fact.type);
  const checked = checkPayload(definition, fact);
  if ('refused' in checked) return checked;
  const { intent } = job;
  const event: StoredEvent = {
    _id: job.eventId(index),
    tenantId: intent.tenantId,
    aggregateType: aggregate.type,
    aggregateId: new UUID(id),
    sequence,
    type: fact.type,
    version: definition.version,
    payload: checked.payload,
    ...(fact.reasonCode === undefined ? {} : { reasonCode: fact.reasonCode }),
    actor: { id: command.by.id, role: command.by.role },
    occurredAt: command.occurredAt,
    recordedAt: new Date(),
    metadata: {
      origin: intent.origin,
      producerId: store.producerId,
      ...(intent.traceId === undefined ? {} : { traceId: intent.traceId }),
      correlationId: job.correlationId,
      ...(intent.causationId === undefined ? {} : { causationId: intent.causationId }),
      commandHash: job.hash,
    },
  };
  if (BSON.calculateObjectSize(event) <= EVENT_MAX_BYTES) return event;
  return { refused: refusal('INVALID_INPUT', `${fact.type} is larger than ${EVENT_MAX_BYTES} bytes.`) };
}
