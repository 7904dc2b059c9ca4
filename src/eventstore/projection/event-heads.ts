import type { ResumeToken, Timestamp } from 'mongodb';
import type { StreamOfRow } from '../aggregate.ts';
import { type Changes, openChanges } from '../changes.ts';
import type { StoredEvent } from '../event.ts';
import { rowId } from '../projection.ts';
import type { ProjectorTask } from './projector-task.ts';

/** What the change stream gives of an event: how far its stream has come. The event itself is read with its stream. */
export type EventHead = Pick<StoredEvent, 'tenantId' | 'aggregateId' | 'sequence' | 'recordedAt'>;

/** Follows the heads of a read model's events, from a saved token or a moment of the cluster's clock on. */
export function openEventHeads(
  { store, projection, limits, observer }: ProjectorTask,
  from: { after: ResumeToken } | { at: Timestamp },
): Changes {
  return openChanges(store.db, {
    collections: ['events'],
    operations: ['insert'],
    where: { aggregateType: projection.aggregateType },
    fields: ['tenantId', 'aggregateId', 'sequence', 'recordedAt'],
    from,
    log: store.log,
    batch: limits.batchEvents,
    onReopen: () => observer.retried(projection.name),
  });
}

/** The streams that grew, each with its newest sequence. */
export function tipsOf(heads: readonly EventHead[]): StreamOfRow[] {
  const tips = new Map<string, StreamOfRow>();
  for (const { tenantId, aggregateId, sequence } of heads) {
    const id = aggregateId.toString();
    const key = rowId(tenantId, id);
    const known = tips.get(key)?.sequence ?? 0;
    if (sequence > known) tips.set(key, { tenantId, aggregateId: id, sequence });
  }
  return [...tips.values()];
}
