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
  return new Queue(limits);
}

interface Entry<T> {
  readonly item: T;
  readonly bytes: number;
}

/** Shared by all queues that are empty, as most of them are. */
const NOTHING: never[] = [];

class Queue<T> implements BoundedQueue<T> {
  readonly #limits: Pick<FeedLimits, 'queueItems' | 'queueBytes'>;
  #entries: (Entry<T> | undefined)[] = NOTHING;
  #head = 0;
  #bytes = 0;

  constructor(limits: Pick<FeedLimits, 'queueItems' | 'queueBytes'>) {
    this.#limits = limits;
  }

  push(item: T, bytes: number): Excess | undefined {
    if (this.#entries === NOTHING) this.#entries = [];
    this.#entries.push({ item, bytes });
    this.#bytes += bytes;
    if (this.length > this.#limits.queueItems) return 'queueItems';
    return this.#bytes > this.#limits.queueBytes ? 'queueBytes' : undefined;
  }

  shift(): T | undefined {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return undefined;
    this.#entries[this.#head] = undefined;
    this.#head += 1;
    this.#bytes -= entry.bytes;
    if (this.#head === this.#entries.length) this.clear();
    else if (this.#head >= COMPACT_AT) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return entry.item;
  }

  clear(): void {
    this.#entries = NOTHING;
    this.#head = 0;
    this.#bytes = 0;
  }

  get length(): number {
    return this.#entries.length - this.#head;
  }
}
