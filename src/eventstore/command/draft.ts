import { BSON, UUID } from 'mongodb';
import { type Refusal, refusal } from '../../refusal.ts';
import type { Step } from '../aggregate.ts';
import type { Metadata, NewEvent, StoredEvent } from '../event.ts';
import type { Folded } from '../fold.ts';
import { foldEvent, isMilestone } from '../fold.ts';
import type { RowWrite } from '../projection/row-writes.ts';
import { checkPayload } from '../registry.ts';
import type { Milestone } from '../time/snapshots.ts';
import { marksAfter, recordedAfter } from '../time-order.ts';
import type { Job } from './intent.ts';
import type { Store } from './store.ts';

/** The largest event, in BSON bytes; more goes to object storage by reference (D-10). */
export const EVENT_MAX_BYTES = 64 * 1_024;

/** A command decided on a stream: what it records, with ids and places, and the stream as that leaves it. */
export interface Draft {
  readonly events: readonly StoredEvent[];
  readonly rows: readonly RowWrite[];
  readonly folded: Folded;
  /** The folds on the way that make a snapshot once they are in the log; undefined for none, as mostly. */
  readonly milestones: readonly Milestone[] | undefined;
  /** Why it is refused. What it records all the same (a late answer, say) stands in `events`. */
  readonly refusal: Refusal | undefined;
}

/** A command's metadata while it is decided: the number of its events is put in last. */
export type DraftMetadata = { -readonly [Field in keyof Metadata]: Metadata[Field] };

/** What every event of a command carries. */
export function metadataOf(
  { producerId }: Store,
  { intent, correlationId, hash, nulls }: Job,
): DraftMetadata {
  const { origin, traceId, causationId } = intent;
  return {
    origin,
    producerId,
    ...(traceId === undefined ? {} : { traceId }),
    correlationId,
    ...(causationId === undefined ? {} : { causationId }),
    commandHash: hash,
    ...(nulls === undefined ? {} : { commandNulls: nulls }),
  };
}

/**
 * Decides a command on a stream's fold, and drafts what it records; nothing is written yet.
 * @param firstIndex how many events the command has on other streams so far: an event's id is made of its place among
 *   all of them.
 * @param metadata what the events carry; it is theirs from then on
 * @returns a draft without events, refused as INVALID_INPUT, where a payload does not fit its schema or is too large
 */
export function decideOn(
  store: Store,
  job: Job,
  step: Step,
  before: Folded,
  firstIndex: number,
  metadata: DraftMetadata,
): Draft {
  const { aggregate, command } = step;
  const decision = aggregate.decide(before.state, command);
  const events: StoredEvent[] = [];
  const rows: RowWrite[] = [];
  let folded = before;
  let milestones: readonly Milestone[] | undefined;
  for (const [index, fact] of decision.events.entries()) {
    const event = storedEvent(store, job, step, fact, folded, firstIndex + index, metadata);
    if ('refused' in event) return nothingDrafted(before, event.refused);
    folded = foldEvent(store.registry, aggregate, folded, event);
    if (isMilestone(folded, store.snapshots.every))
      milestones = [...(milestones ?? []), milestoneOf(step, folded, event)];
    events.push(event);
    for (const { mode, name } of aggregate.projections) {
      const row = folded.rows[name];
      if (mode === 'inline' && row) rows.push({ projection: name, row });
    }
  }
  return { events, rows, folded, milestones, refusal: decision.refusal };
}

/**
 * Why a command would be refused by what it says itself: by its aggregate, or since a payload that it comes to does not
 * fit its schema. Payloads are made upon a state, so it is tried on the stream as it is, and as one that begins it.
 */
export function ownFault(store: Store, { aggregate, command }: Step, { state }: Folded): Refusal | undefined {
  const fault = aggregate.faultOf?.(command);
  if (fault !== undefined) return fault;
  for (const before of [state, aggregate.initial]) {
    for (const fact of aggregate.decide(before, command).events) {
      const checked = checkPayload(store.registry.latest(fact.type), fact);
      if ('refused' in checked) return checked.refused;
    }
  }
  return undefined;
}

function nothingDrafted(folded: Folded, refusal: Refusal): Draft {
  return { events: [], rows: [], folded, milestones: undefined, refusal };
}

/** Notes in each of a command's events how many they are, where it is more than one. */
export function countEvents(events: readonly StoredEvent[]): void {
  if (events.length < 2) return;
  for (const { metadata } of events) {
    const open: DraftMetadata = metadata;
    open.commandSize = events.length;
  }
}

function milestoneOf({ aggregate }: Step, folded: Folded, { tenantId, _id }: StoredEvent): Milestone {
  return { tenantId, aggregate, folded, eventId: _id };
}

function storedEvent(
  store: Store,
  job: Job,
  { aggregate, id, command }: Step,
  fact: NewEvent,
  before: Folded,
  index: number,
  metadata: DraftMetadata,
): StoredEvent | { readonly refused: Refusal } {
  const definition = store.registry.latest(fact.type);
  const checked = checkPayload(definition, fact);
  if ('refused' in checked) return checked;
  const { intent } = job;
  const { occurredAt } = command;
  const sequence = before.sequence + 1;
  const recordedAt = recordedAfter(before.extent, store.clock.now());
  const timing = store.registry.timing({ type: fact.type, sequence });
  const marks = marksAfter(before.extent, timing, { occurredAt, recordedAt });
  const event: StoredEvent = {
    _id: job.eventId(index),
    tenantId: intent.tenantId,
    aggregateType: aggregate.type,
    aggregateId: before.aggregateId ?? new UUID(id),
    sequence,
    type: fact.type,
    version: definition.version,
    payload: checked.payload,
    ...(fact.reasonCode === undefined ? {} : { reasonCode: fact.reasonCode }),
    actor: { id: command.by.id, role: command.by.role },
    occurredAt,
    recordedAt,
    metadata: marks === undefined ? metadata : { ...metadata, ...marks },
  };
  if (isSmall(checked.payload) || BSON.calculateObjectSize(event) <= EVENT_MAX_BYTES) return event;
  return { refused: refusal('INVALID_INPUT', `${fact.type} is larger than ${EVENT_MAX_BYTES} bytes.`) };
}

/** True for a flat payload of a few short fields, as most are: measuring each would cost more than checking it. */
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
