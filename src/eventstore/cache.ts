import { LRUCache } from 'lru-cache';
import type { UUID } from 'mongodb';
import type { Row } from './projection.ts';
import type { Extent } from './time-order.ts';

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
}

/** Folds of the streams that were written last; only ever a head start, the append decides. */
export type StreamCache = Pick<LRUCache<string, Folded>, 'get' | 'set' | 'delete'>;

/** How many folded streams a process keeps. */
export const CACHED_STREAMS = 20_000;

export function openStreamCache(): StreamCache {
  return new LRUCache<string, Folded>({ max: CACHED_STREAMS });
}
