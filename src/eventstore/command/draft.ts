import { BSON, UUID } from 'mongodb';
import { type Refusal, refusal } from '../../refusal.ts';
import type { Aggregate, Command } from '../aggregate.ts';
import type { Metadata, NewEvent, StoredEvent } from '../event.ts';
import type { Folded } from '../fold.ts';
import { foldEvent } from '../fold.ts';
import type { RowWrite } from '../projection/row-writes.ts';
import { checkPayload } from '../registry.ts';
import { isMilestone, type Milestone } from '../time/snapshots.ts';
import { lateMark, recordedAfter } from '../time-order.ts';
import type { Job } from './intent.ts';
import type { Store } from './store.ts';

/** The largest event, in BSON bytes; more goes to object storage by reference (D-10). */
export const EVENT_MAX_BYTES = 64 * 1_024;

/** Decided facts with their ids and places, and the stream as they leave it; nothing is written yet. */
export interface Draft {
  readonly events: readonly StoredEvent[];
  readonly rows: readonly RowWrite[];
  readonly folded: Folded;
  /** The folds on the way that make a snapshot once they are in the log; undefined for none, as mostly. */
  readonly milestones: readonly Milestone[] | undefined;
}

/** A command's metadata while it is decided: their number is put in last. */
export type DraftMetadata = { -readonly [Field in keyof Metadata]: Metadata[Field] };

/** What every event of a command carries. */
export function metadataOf({ producerId }: Store, { intent, correlationId, hash }: Job): DraftMetadata {
  const { origin, traceId, causationId } = intent;
  return {
    origin,
    producerId,
    ...(traceId === undefined ? {} : { traceId }),
    correlationId,
    ...(causationId === undefined ? {} : { causationId }),
    commandHash: hash,
  };
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
  metadata: DraftMetadata,
): Draft | { readonly refused: Refusal } {
  const events: StoredEvent[] = [];
  const rows: RowWrite[] = [];
  let folded = before;
  let milestones: readonly Milestone[] | undefined;
  for (const [index, fact] of facts.entries()) {
    const event = storedEvent(store, job, target, fact, folded, firstIndex + index, metadata);
    if ('refused' in event) return event;
    folded = foldEvent(store.registry, target.aggregate, folded, event);
    if (isMilestone(folded, store.snapshots.every))
      milestones = [...(milestones ?? []), milestone(target, folded, event)];
    events.push(event);
    for (const { mode, name } of target.aggregate.projections) {
      const row = folded.rows[name];
      if (mode === 'inline' && row) rows.push({ projection: name, row });
    }
  }
  return { events, rows, folded, milestones };
}

/** Tells each of a command's events how many they are, where it is more than one. */
export function countEvents(events: readonly StoredEvent[]): void {
  if (events.length < 2) return;
  for (const { metadata } of events) {
    const open: DraftMetadata = metadata;
    open.commandSize = events.length;
  }
}

function milestone({ aggregate }: Target, folded: Folded, { tenantId, _id }: StoredEvent): Milestone {
  return { tenantId, aggregate, folded, eventId: _id };
}

function storedEvent(
  store: Store,
  job: Job,
  { aggregate, id, command }: Target,
  fact: NewEvent,
  before: Folded,
  index: number,
  metadata: DraftMetadata,
): StoredEvent | { readonly refused: Refusal } {
  const definition = store.registry.latest(fact.type);
  const checked = checkPayload(definition, fact);
  if ('refused' in checked) return checked;
  const { intent } = job;
  const recordedAt = recordedAfter(before.extent);
  const late = lateMark(before.extent, command.occurredAt, recordedAt);
  const event: StoredEvent = {
    _id: job.eventId(index),
    tenantId: intent.tenantId,
    aggregateType: aggregate.type,
    aggregateId: before.aggregateId ?? new UUID(id),
    sequence: before.sequence + 1,
    type: fact.type,
    version: definition.version,
    payload: checked.payload,
    ...(fact.reasonCode === undefined ? {} : { reasonCode: fact.reasonCode }),
    actor: { id: command.by.id, role: command.by.role },
    occurredAt: command.occurredAt,
    recordedAt,
    metadata: late === undefined ? metadata : { ...metadata, lateWithinMs: late },
  };
  if (isSmall(checked.payload) || BSON.calculateObjectSize(event) <= EVENT_MAX_BYTES) return event;
  return { refused: refusal('INVALID_INPUT', `${fact.type} is larger than ${EVENT_MAX_BYTES} bytes.`) };
}

/** True for a flat payload of a few short fields, which most are: weighing each would cost more than checking it. */
function isSmall(payload: unknown): boolean {
  if (typeof payload !== 'object' || payload === null) return true;
  let fields = 0;
  for (const value of Object.values(payload)) {
    fields += 1;
    if (typeof value === 'object' ? value !== null : typeof value === 'string' && value.length > 256)
      return false;
  }
  return fields <= 32;
}
