import { STREAM_INDEX } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import type { Log } from './log.ts';

/** A stream that lacks events. */
export interface StreamWithHoles {
  readonly tenantId: string;
  readonly aggregateType: string;
  readonly aggregateId: string;
  /** Its last sequence, and how many events there are up to it. */
  readonly last: number;
  readonly events: number;
}

interface Counted {
  readonly _id: Pick<StoredEvent, 'tenantId' | 'aggregateType' | 'aggregateId'>;
  readonly last: number;
  readonly events: number;
}

/** Finds streams of these tenants whose sequences are not 1, 2, 3 …: answered by the stream index, without an event. */
export async function holesIn(
  store: Log,
  tenantIds: readonly string[],
  limit: number,
): Promise<StreamWithHoles[]> {
  if (tenantIds.length === 0) return [];
  const stream = { tenantId: '$tenantId', aggregateType: '$aggregateType', aggregateId: '$aggregateId' };
  const counted = store.events.aggregate<Counted>(
    [
      { $match: { tenantId: { $in: [...tenantIds] } } },
      { $group: { _id: stream, last: { $max: '$sequence' }, events: { $sum: 1 } } },
      { $match: { $expr: { $ne: ['$last', '$events'] } } },
      { $limit: limit },
    ],
    { hint: STREAM_INDEX, allowDiskUse: true },
  );
  const holes: StreamWithHoles[] = [];
  for await (const { _id, last, events } of counted)
    holes.push({ ..._id, aggregateId: _id.aggregateId.toString(), last, events });
  return holes;
}
