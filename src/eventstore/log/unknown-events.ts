import { UUID } from 'mongodb';
import type { StoredEvent } from '../event.ts';
import { type Row, rowId } from '../projection.ts';
import type { Log } from './log.ts';

/** How many streams go into one query: the server merges as many index scans. */
const STREAMS_AT_ONCE = 200;

/**
 * The first event that this code does not know, of each stream whose row holds one. A row does not tell by itself: what
 * came later may be well known. The server looks through all events of these streams, so this is only asked where rows
 * may be of newer code.
 * @returns by the row's `_id`
 */
export async function firstUnknownEvents(
  { events, registry }: Pick<Log, 'events' | 'registry'>,
  aggregateType: string,
  rows: readonly Row[],
): Promise<Map<string, StoredEvent>> {
  const first = new Map<string, StoredEvent>();
  const known = registry.all
    .filter((definition) => definition.aggregateType === aggregateType)
    .map(({ type, version }) => ({ type, version }));
  for (let start = 0; start < rows.length; start += STREAMS_AT_ONCE) {
    const streams = rows.slice(start, start + STREAMS_AT_ONCE).map(({ tenantId, id, lastSequence }) => ({
      tenantId,
      aggregateType,
      aggregateId: new UUID(id),
      sequence: { $lte: lastSequence },
    }));
    const found = events.find({ $or: streams, $nor: known }).sort({ sequence: 1 });
    for await (const event of found) {
      const id = rowId(event.tenantId, event.aggregateId.toString());
      if (!first.has(id)) first.set(id, event);
    }
  }
  return first;
}
