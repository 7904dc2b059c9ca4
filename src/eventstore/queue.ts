import type { Excess, FeedLimits } from './feed-limits.ts';

/** First in, first out, bounded by count and by bytes. */
export interface BoundedQueue<T> {
  /** Adds an item. @returns the limit that is now exceeded, if any */
  push(item: T, bytes: number): Excess | undefined;
  shift(): T | undefined;
  clear(): void;
  readonly length: number;
}

/** Items behind the head are let go of once so many have been taken, so that shifting costs nothing. */
const COMPACT_AT = 1_024;

export function openQueue<T>(limits: Pick<FeedLimits, 'queueItems' | 'queueBytes'>): BoundedQueue<T> {
  let entries: ({ item: T; bytes: number } | undefined)[] = [];
  let head = 0;
  let total = 0;
  const clear = (): void => {
    entries = [];
    head = 0;
    total = 0;
  };
  return {
    push(item, bytes) {
      entries.push({ item, bytes });
      total += bytes;
      if (entries.length - head > limits.queueItems) return 'queueItems';
      return total > limits.queueBytes ? 'queueBytes' : undefined;
    },
    shift() {
      const entry = entries[head];
      if (entry === undefined) return undefined;
      entries[head++] = undefined;
      total -= entry.bytes;
      if (head === entries.length) clear();
      else if (head >= COMPACT_AT) {
        entries = entries.slice(head);
        head = 0;
      }
      return entry.item;
    },
    clear,
    get length() {
      return entries.length - head;
    },
  };
}
