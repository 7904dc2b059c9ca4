import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import { rowsAt } from '../../projection/rows-at.ts';
import type { Timeline } from '../../timeline.ts';
import { Delivery, type Place, scopeOf } from '../cursor.ts';
import type { Receivers } from './receivers.ts';
import { type GenerationSwitch, tenantOf } from './routes.ts';

export interface CrossSwitchOptions {
  readonly db: Db;
  readonly timeline: Pick<Timeline, 'id'>;
  readonly log: Logger;
  readonly receivers: Receivers;
}

/**
 * Leads subscribers over to a read model's new generation: rows that are further there are delivered as changes of the
 * moment of the switch. Where that cannot be done, each of them gets a Gap.
 */
export async function crossSwitch(
  options: CrossSwitchOptions,
  { name, collection, ahead }: GenerationSwitch,
  place: Place,
): Promise<void> {
  const { log, receivers } = options;
  receivers.forget(name);
  const ids = ahead?.filter((id) => receivers.has(scopeOf(name, tenantOf(id))));
  if (ids?.length === 0) return;
  try {
    if (ids === undefined) throw new Error('The read model was replaced by one that tells other things.');
    await deliverRows(options, { name, collection, ids }, place);
  } catch (error) {
    log.info({ projection: name, collection, reason: String(error) }, 'subscribers get a gap at a switch');
    receivers.lost('rowsReplaced', name);
  }
}

/** @throws what MongoDB throws */
async function deliverRows(
  { db, timeline, receivers }: CrossSwitchOptions,
  { name, collection, ids }: { readonly name: string; readonly collection: string; readonly ids: string[] },
  { time, ordinal }: Place,
): Promise<void> {
  // A client that goes away between two of these comes back to before the switch, which cannot be resumed from.
  const before = { time, ordinal: ordinal - 1 };
  const rows = new Map((await rowsAt(db, collection, ids, time)).map((row) => [row._id, row]));
  for (const id of ids) {
    const tenantId = tenantOf(id);
    const row = rows.get(id) ?? null;
    receivers.deliver(
      new Delivery(scopeOf(name, tenantId), id.slice(tenantId.length + 1), row, before, timeline.id),
      false,
    );
  }
}
