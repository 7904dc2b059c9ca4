import { UUID } from 'mongodb';
import type { Actor } from '../eventstore/event.ts';
import { type ErasureGround, give } from './erase.ts';
import { destroyKey, subjectKeysOf } from './subject-keys.ts';
import { tenantKeysOf } from './tenant-keys.ts';

/** Who does it: nobody asked for it a second time. */
const RESTORER: Actor = { id: 'erasures', role: 'system' };

/**
 * Erases again whom the ledger has and this database does not know as erased: it was restored to an earlier state, or an
 * erasure was cut off. To be awaited before anything is served. Subjects of tenants that this database does not have are
 * another database's.
 * @returns how many were erased again
 */
export async function replayErasures({ store, personal, ledger }: ErasureGround): Promise<number> {
  const erasures = await ledger.all();
  if (erasures.length === 0) return 0;
  const tenants = new Set(
    (
      await tenantKeysOf(store.db)
        .find({}, { projection: { _id: 1 } })
        .toArray()
    ).map(({ _id }) => _id),
  );
  let again = 0;
  for (const { tenantId, subject } of erasures) {
    if (!tenants.has(tenantId)) continue;
    const known = await subjectKeysOf(store.db).findOne({ _id: subject, tenantId });
    const said = await store.events.findOne({
      tenantId,
      aggregateType: 'DataSubject',
      type: 'SubjectErased',
      aggregateId: new UUID(subject),
    });
    if (known?.erasedAt !== undefined && said !== null) continue;
    const at = new Date(store.clock.now());
    await destroyKey(store.db, tenantId, subject, at);
    personal.forget(subject);
    const who = { tenantId, subject, by: RESTORER };
    await give(store, who, at, { type: 'RequestErasure', payload: {} }, 'requested');
    const payload = { searched: 0, left: 0, restored: true } as const;
    await give(store, who, at, { type: 'ConfirmErasure', payload }, 'erased');
    again += 1;
  }
  if (again > 0) store.log.warn({ subjects: again }, 'subjects that had been erased were back: erased again');
  return again;
}
