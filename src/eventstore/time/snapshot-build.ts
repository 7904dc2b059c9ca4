import type { Aggregate, Command, StreamRef } from '../aggregate.ts';
import { emptyFold, foldEvent, isMilestone } from '../fold.ts';
import type { TimeParts } from './counting.ts';
import { type Milestone, shapeOf, snapshotsOf } from './snapshots.ts';
import { inStream } from './until.ts';

/** The folds of a stream that make a snapshot and were not written yet, in order, from its first event on. */
export async function* milestonesOf(
  { events, registry, snapshots }: TimeParts,
  stream: StreamRef,
  aggregate: Aggregate<unknown, Command>,
): AsyncGenerator<Milestone> {
  const { tenantId } = stream;
  const place = inStream(stream);
  const written = new Set<number>();
  const theirs = snapshotsOf(events.db).find(
    { ...place, shape: shapeOf(aggregate) },
    { projection: { _id: 0, sequence: 1 } },
  );
  for await (const { sequence } of theirs) written.add(sequence);
  let folded = emptyFold(aggregate);
  for await (const event of events.find(place).sort({ sequence: 1 }).batchSize(1_000)) {
    folded = foldEvent(registry, aggregate, folded, registry.upcast(event));
    if (!isMilestone(folded, snapshots.every) || written.has(folded.sequence)) continue;
    yield { tenantId, aggregate, folded, eventId: event._id };
  }
}
