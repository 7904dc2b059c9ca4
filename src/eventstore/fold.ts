import { LRUCache } from 'lru-cache';
import type { UUID } from 'mongodb';
import type { Aggregate, Command } from './aggregate.ts';
import type { StoredEvent } from './event.ts';
import { asStored, fold, type Row } from './projection.ts';
import type { Registry } from './registry.ts';
import { type Extent, effectAfter, extended, NO_EXTENT } from './time-order.ts';

/** A stream folded up to a sequence: the state that decides, and the rows that are shown. */
export interface Folded<S = unknown> {
  /** The aggregate's id as the log stores it; undefined before the first event. */
  readonly aggregateId?: UUID;
  readonly sequence: number;
  readonly state: S;
  /** By projection name; null until the stream has a row. */
  readonly rows: Readonly<Record<string, Row | null>>;
  /** How far its events reach in time, which tells a late one. */
  readonly extent: Extent;
  /** The event that took effect last, as it is stored: mostly the last one. */
  readonly newest?: StoredEvent | undefined;
}

/** The fold of no events. */
export function emptyFold(aggregate: Aggregate<unknown, Command>): Folded {
  return { sequence: 0, state: aggregate.initial, rows: {}, extent: NO_EXTENT };
}

/** One event further: state and rows together, so that they never differ. */
export function foldEvent(
  registry: Registry,
  aggregate: Aggregate<unknown, Command>,
  folded: Folded,
  event: StoredEvent,
): Folded {
  if (event.sequence !== folded.sequence + 1) {
    throw new Error(
      `Event ${event._id} has sequence ${event.sequence} after ${folded.sequence}: a hole in its stream.`,
    );
  }
  const rows: Record<string, Row | null> = {};
  for (const projection of aggregate.projections) {
    rows[projection.name] = fold(projection, folded.rows[projection.name] ?? null, event);
  }
  const { aggregateId, sequence } = event;
  const before = folded.extent;
  const timing = registry.timing(event);
  const isNewest = timing === 'first' || effectAfter(before, timing, event.occurredAt) >= before.newestAt;
  const extent = extended(before, event, timing);
  const newest = isNewest ? asStored(event) : folded.newest;
  return { aggregateId, sequence, state: aggregate.evolve(folded.state, event), rows, extent, newest };
}

/** True for a fold that makes a snapshot: each `every`-th of a stream, 0 for none. */
export function isMilestone({ sequence, extent }: Folded, every: number): boolean {
  return every > 0 && sequence % every === 0 && Number.isFinite(extent.newestAt);
}

/** Folds of the streams that were written last. They may be behind the log: an append on such a fold fails. */
export type StreamCache = Pick<LRUCache<string, Folded>, 'get' | 'set' | 'delete'>;

/** How many folded streams a process keeps. */
export const CACHED_STREAMS = 20_000;

export function openStreamCache(): StreamCache {
  return new LRUCache<string, Folded>({ max: CACHED_STREAMS });
}

/** Keeps a fold unless a newer one is kept already; an empty one is not worth a place. */
export function remember(cache: StreamCache, key: string, folded: Folded): void {
  if (folded.sequence === 0) return;
  const known = cache.get(key);
  if (known === undefined || known.sequence < folded.sequence) cache.set(key, folded);
}
