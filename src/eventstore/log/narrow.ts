import { type ClientSession, UUID } from 'mongodb';
import { STREAM_INDEX } from '../aggregate.ts';
import { KIND_INDEX } from '../indexes.ts';
import { between, type EventFilter } from './event-filter.ts';
import type { Log } from './log.ts';

/** The most events that one page looks at, and the most that are read and sorted for one. */
export const LOOK_EVENTS = 20_000;

/** An index in which a filter leaves few events, and the conditions by which it is entered. */
export interface Narrow {
  readonly hint: Readonly<Record<string, 1 | -1>>;
  readonly conditions: readonly object[];
}

/**
 * Finds the index that leaves the fewest events of a filter. MongoDB's planner would try plans on their first results:
 * one that sorts has none until its end, so a rare type was looked for in the whole log (2 s in a million events).
 * @returns undefined where each leaves too many to be sorted for a page; then they are frequent in the log, mostly
 */
export async function narrowest(
  store: Pick<Log, 'events'>,
  tenantId: string,
  filter: EventFilter,
  session: ClientSession,
): Promise<Narrow | undefined> {
  const found = await Promise.all([
    byStream(store, tenantId, filter, session),
    byKind(store, tenantId, filter, session),
  ]);
  let best: Narrow | undefined;
  let fewest = LOOK_EVENTS;
  for (const narrow of found) {
    if (narrow === undefined) continue;
    const count = await countUpTo(store, narrow, fewest + 1, session);
    if (count <= fewest) [best, fewest] = [narrow, count];
  }
  return best;
}

/** By the streams that are asked for. */
async function byStream(
  { events }: Pick<Log, 'events'>,
  tenantId: string,
  { aggregateId, aggregateType }: EventFilter,
  session: ClientSession,
): Promise<Narrow | undefined> {
  if (aggregateId === undefined) return undefined;
  const types = aggregateType ?? (await events.distinct('aggregateType', { tenantId }, { session }));
  const ids = aggregateId.map((id) => new UUID(id));
  return {
    hint: STREAM_INDEX,
    conditions: [{ tenantId }, { aggregateType: { $in: [...types] } }, { aggregateId: { $in: ids } }],
  };
}

/** By type, or by when it happened, or both. Without a type by all that the tenant has, also of newer versions. */
async function byKind(
  { events }: Pick<Log, 'events'>,
  tenantId: string,
  { type, occurredFrom, occurredTo }: EventFilter,
  session: ClientSession,
): Promise<Narrow | undefined> {
  const moments = between('occurredAt', occurredFrom, occurredTo);
  if (type === undefined && moments.length === 0) return undefined;
  const types = type ?? (await events.distinct('type', { tenantId }, { session }));
  return { hint: KIND_INDEX, conditions: [{ tenantId }, { type: { $in: [...types] } }, ...moments] };
}

/** Counts in the index alone. */
async function countUpTo(
  { events }: Pick<Log, 'events'>,
  { hint, conditions }: Narrow,
  limit: number,
  session: ClientSession,
): Promise<number> {
  return events.countDocuments({ $and: [...conditions] }, { hint: { ...hint }, limit, session });
}
