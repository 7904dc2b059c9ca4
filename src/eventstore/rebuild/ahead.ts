import { timeIn } from '../change.ts';
import { clusterNow, openChanges } from '../changes.ts';
import type { StoredEvent } from '../event.ts';
import { checkpointsOf } from '../projection/checkpoint.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { type Projection, rowId } from '../projection.ts';

/** More rows than this are not named one by one: subscribers then begin again with a snapshot. */
const NAMED_ROWS = 5_000;

/**
 * The rows (by `_id`) that may be further in a new generation of an async read model than the projector has brought
 * the old one: those of all events between its checkpoint and now. It will find them done already and write nothing, so
 * the switch itself has to tell subscribers of them. To be asked while the old generation is sealed.
 * @returns null where they are too many, or where it is not known how far the projector came
 */
export async function rowsAhead(store: ReadModels, projection: Projection): Promise<string[] | null> {
  const { db, log } = store;
  const checkpoint = await checkpointsOf(db).findOne({ _id: projection.name });
  if (checkpoint?.token === undefined || checkpoint.phase !== 'following') return null;
  const now = await clusterNow(db);
  const changes = openChanges(db, {
    // The same as the projector's own stream (event-heads.ts): a stream that matches less would not find its token.
    collections: ['events'],
    operations: ['insert'],
    where: { aggregateType: projection.aggregateType },
    fields: ['tenantId', 'aggregateId'],
    from: { after: checkpoint.token },
    log,
  });
  try {
    const ids = new Set<string>();
    for (;;) {
      const signal = await changes.next();
      if (signal?.kind !== 'changes') return null;
      for (const { document } of signal.changes) {
        const { tenantId, aggregateId } = document as Pick<StoredEvent, 'tenantId' | 'aggregateId'>;
        ids.add(rowId(tenantId, aggregateId.toString()));
      }
      if (ids.size > NAMED_ROWS) return null;
      const place = signal.changes.at(-1)?.clusterTime ?? timeIn(signal.token);
      if (place === undefined || (!signal.more && place.greaterThanOrEqual(now))) return [...ids];
    }
  } finally {
    changes.stop();
  }
}
