import { type Filter, UUID } from 'mongodb';
import type { StoredEvent } from '../event.ts';
import type { Log } from './log.ts';

/** Where a stream stands in the order of (tenantId, aggregateId). */
export interface StreamPlace {
  readonly tenantId: string;
  /** A UUID in text form. */
  readonly aggregateId: string;
}

/** The streams of one kind from a place (included) to another (excluded); an end that is absent is open. */
export interface StreamRange {
  readonly from?: StreamPlace;
  readonly to?: StreamPlace;
}

/** A kind's streams, divided; and how many events they may have. */
export interface Division {
  readonly ranges: readonly StreamRange[];
  /** Estimated from a sample. */
  readonly events: number;
}

/** Events in a range: a fraction of a second of work, so that workers end together and a kill costs little. */
const RANGE_EVENTS = { least: 500, most: 20_000 } as const;
/** A smaller log is divided into so many, rather than into the largest that are allowed. */
const RANGES_WANTED = 32;
/** Ranges at most, however many events that makes in each: they are listed in one document. */
const MAX_RANGES = 1_000;
/** Events looked at for each range: more make ranges that are more alike. */
const SAMPLED_PER_RANGE = 20;
/** A sample of up to a twentieth of a collection is drawn at random places; a larger one reads all of it. */
const MAX_SAMPLED_PART = 0.04;

/** Divides the streams of a kind into ranges with about as many events each, by a random sample of the log. */
export async function divideStreams(store: Log, aggregateType: string): Promise<Division> {
  const total = await store.events.estimatedDocumentCount();
  const wanted = rangesFor(total) * SAMPLED_PER_RANGE;
  const size = Math.floor(Math.min(wanted, total * MAX_SAMPLED_PART));
  if (size < SAMPLED_PER_RANGE) return { ranges: [{}], events: total };
  const sampled = await store.events
    .aggregate<{ aggregateType: string; tenantId: string; aggregateId: UUID }>([
      { $sample: { size } },
      { $project: { _id: 0, aggregateType: 1, tenantId: 1, aggregateId: 1 } },
    ])
    .toArray();
  const places = sampled
    .filter((event) => event.aggregateType === aggregateType)
    .map(({ tenantId, aggregateId }) => ({ tenantId, aggregateId: aggregateId.toString() }))
    .sort(comparePlaces);
  const events = Math.round((total * places.length) / sampled.length);
  return { ranges: rangesBetween(cutsOf(places, rangesFor(events))), events };
}

function rangesFor(events: number): number {
  const { least, most } = RANGE_EVENTS;
  const inEach = Math.max(least, Math.min(most, events / RANGES_WANTED));
  return Math.max(1, Math.min(MAX_RANGES, Math.ceil(events / inEach)));
}

/** Before (negative), at (0) or behind. The order of the stream index: the server compares tenants byte by byte. */
export function comparePlaces(a: StreamPlace, b: StreamPlace): number {
  if (a.tenantId !== b.tenantId) return Buffer.compare(Buffer.from(a.tenantId), Buffer.from(b.tenantId));
  if (a.aggregateId === b.aggregateId) return 0;
  return a.aggregateId < b.aggregateId ? -1 : 1;
}

function cutsOf(places: readonly StreamPlace[], count: number): StreamPlace[] {
  const cuts: StreamPlace[] = [];
  for (let cut = 1; cut < count; cut++) {
    const place = places[Math.floor((cut * places.length) / count)];
    const last = cuts.at(-1);
    if (place !== undefined && (last === undefined || comparePlaces(last, place) < 0)) cuts.push(place);
  }
  return cuts;
}

function rangesBetween(cuts: readonly StreamPlace[]): StreamRange[] {
  return [...cuts, undefined].map((to, index) => {
    const from = cuts[index - 1];
    return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  });
}

/**
 * The filters that together select the events of a range, one after the other. Each has plain bounds in the stream
 * index: a single one with `$or` would be merged from several scans.
 */
export function filtersOf(aggregateType: string, { from, to }: StreamRange): Filter<StoredEvent>[] {
  const [first, last] = [from?.tenantId, to?.tenantId];
  const least = from === undefined ? {} : { $gte: new UUID(from.aggregateId) };
  const below = to === undefined ? {} : { $lt: new UUID(to.aggregateId) };
  if (first !== undefined && first === last)
    return [{ tenantId: first, aggregateType, aggregateId: { ...least, ...below } }];
  const filters: Filter<StoredEvent>[] = [];
  if (first !== undefined) filters.push({ tenantId: first, aggregateType, aggregateId: least });
  const between = {
    ...(first === undefined ? {} : { $gt: first }),
    ...(last === undefined ? {} : { $lt: last }),
  };
  filters.push({
    tenantId: first === undefined && last === undefined ? { $gte: '' } : between,
    aggregateType,
  });
  if (last !== undefined) filters.push({ tenantId: last, aggregateType, aggregateId: below });
  return filters;
}
