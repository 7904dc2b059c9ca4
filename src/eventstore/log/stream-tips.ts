import { LRUCache } from 'lru-cache';
import { type ClientSession, UUID } from 'mongodb';
import { streamKey } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import type { Registry } from '../registry.ts';
import { type Extent, extended, NO_EXTENT } from '../time-order.ts';
import type { Log } from './log.ts';

/** Streams whose ends are remembered; those of others are read again. */
const REMEMBERED = 20_000;

/** How far the log has come on a stream. */
export interface Tip {
  /** 0: there is none. */
  readonly sequence: number;
  /** Which of its times are the newest. */
  readonly extent: Extent;
}

const NOTHING: Tip = { sequence: 0, extent: NO_EXTENT };

/** Where a stream ends with one event more; where it is one of those that it has already, nothing changes. */
export function tipAfter(registry: Registry, tip: Tip, event: StoredEvent): Tip {
  if (event.sequence <= tip.sequence) return tip;
  return { sequence: event.sequence, extent: extended(tip.extent, event, registry.timing(event)) };
}

/** The ends of streams, as whoever adds to them knows them. */
export interface StreamTips {
  /** Those of these events' streams. A stream whose first event is among them is taken to be new, unless `certain`. */
  load(session: ClientSession, events: readonly StoredEvent[], certain: boolean): Promise<Map<string, Tip>>;
  /** These are the ends from now on. */
  remember(tips: ReadonlyMap<string, Tip>): void;
  /** Someone else may have added to these. */
  forget(streams: Iterable<string>): void;
}

/** The name of an event's stream within this process. */
export function streamOf({ tenantId, aggregateType, aggregateId }: StoredEvent): string {
  return streamKey({ tenantId, aggregateType, aggregateId: aggregateId.toString() });
}

export function openStreamTips(store: Log): StreamTips {
  const known = new LRUCache<string, Tip>({ max: REMEMBERED });
  return {
    async load(session, events, certain) {
      const tips = new Map<string, Tip>();
      const unknown = new Map<string, StoredEvent>();
      for (const event of events) {
        const stream = streamOf(event);
        if (tips.has(stream)) continue;
        const tip = known.get(stream);
        tips.set(stream, tip ?? NOTHING);
        if (tip === undefined && (certain || event.sequence > 1)) unknown.set(stream, event);
      }
      for (const [stream, tip] of await tipsOf(store, session, [...unknown.values()])) tips.set(stream, tip);
      return tips;
    },
    remember(tips) {
      for (const [stream, tip] of tips) known.set(stream, tip);
    },
    forget(streams) {
      for (const stream of streams) known.delete(stream);
    },
  };
}

interface Found {
  readonly _id: Pick<StoredEvent, 'tenantId' | 'aggregateType' | 'aggregateId'>;
  readonly sequence: number;
  /** When its first event occurred; null where that is missing. */
  readonly firstAt: Date | null;
  /** Null where nothing but the first event is there. */
  readonly newestAt: Date | null;
  readonly decisionAt: Date | null;
  /** The earliest observation. */
  readonly seenAt: Date | null;
  readonly recordedAt: Date;
}

async function tipsOf(
  store: Log,
  session: ClientSession,
  events: readonly StoredEvent[],
): Promise<Map<string, Tip>> {
  if (events.length === 0) return new Map();
  const streams = events.map(({ tenantId, aggregateType, aggregateId }) => ({
    tenantId,
    aggregateType,
    aggregateId: new UUID(aggregateId.toString()),
  }));
  const pipeline = [{ $match: { $or: streams } }, { $group: groupOf(store.registry) }];
  const tips = new Map<string, Tip>();
  for await (const { _id, sequence, ...times } of store.events.aggregate<Found>(pipeline, { session }))
    tips.set(streamKey({ ..._id, aggregateId: _id.aggregateId.toString() }), {
      sequence,
      extent: extentOf(times),
    });
  return tips;
}

function extentOf({
  firstAt,
  newestAt,
  decisionAt,
  seenAt,
  recordedAt,
}: Omit<Found, '_id' | 'sequence'>): Extent {
  const { NEGATIVE_INFINITY: never, POSITIVE_INFINITY: notYet } = Number;
  return {
    newestAt: newestAt?.getTime() ?? never,
    newestDecisionAt: decisionAt?.getTime() ?? never,
    foundedAt: Math.min(firstAt?.getTime() ?? notYet, seenAt?.getTime() ?? notYet),
    newestRecordedAt: recordedAt.getTime(),
  };
}

/** The newest decision so far is the newest by occurredAt: none takes effect later than all that occurred before it. */
function groupOf({ all }: Registry): object {
  const seen = [...new Set(all.filter(({ effect }) => effect === 'observation').map(({ type }) => type))];
  const isFirst = { $eq: ['$sequence', 1] };
  const isSeen = { $in: ['$type', seen] };
  return {
    _id: { tenantId: '$tenantId', aggregateType: '$aggregateType', aggregateId: '$aggregateId' },
    sequence: { $max: '$sequence' },
    firstAt: { $min: { $cond: [isFirst, '$occurredAt', null] } },
    newestAt: { $max: { $cond: [isFirst, null, '$occurredAt'] } },
    decisionAt: { $max: { $cond: [{ $or: [isFirst, isSeen] }, null, '$occurredAt'] } },
    seenAt: { $min: { $cond: [{ $and: [{ $not: [isFirst] }, isSeen] }, '$occurredAt', null] } },
    recordedAt: { $max: '$recordedAt' },
  };
}
