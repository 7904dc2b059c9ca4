import DataLoader from 'dataloader';
import type { Collection, UUID } from 'mongodb';
import type { StoredEvent } from '../event.ts';

/** Reads events by id; concurrent reads of one tick travel as one `$in`. */
export interface PointReads {
  /** The event with this id, majority-committed, or null. */
  event(id: UUID): Promise<StoredEvent | null>;
}

/** How many ids go into one `$in`. */
export const POINT_READ_BATCH = 1_000;

export function openPointReads(events: Collection<StoredEvent>): PointReads {
  const loader = new DataLoader<UUID, StoredEvent | null, string>(
    async (ids) => {
      const found = await events.find({ _id: { $in: [...ids] } }).toArray();
      const byId = new Map(found.map((event) => [event._id.toString(), event]));
      return ids.map((id) => byId.get(id.toString()) ?? null);
    },
    // Never cached: the answer to "is it recorded?" changes.
    { cache: false, maxBatchSize: POINT_READ_BATCH },
  );
  return { event: (id) => loader.load(id) };
}
