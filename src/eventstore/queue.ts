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

/** Shared by all queues in which nothing waits behind the first. */
const NOTHING: never[] = [];

/** Most queues hold one item, for as long as it takes to hand it over: that one needs no list. */
class Queue<T> implements BoundedQueue<T> {
  readonly #limits: Pick<FeedLimits, 'queueItems' | 'queueBytes'>;
  #first: T | undefined;
  #firstBytes = 0;
  /** What comes behind the first, from `#head` on. */
  #entries: (Entry<T> | undefined)[] = NOTHING;
  #head = 0;
  #bytes = 0;

  constructor(limits: Pick<FeedLimits, 'queueItems' | 'queueBytes'>) {
    this.#limits = limits;
  }

  push(item: T, bytes: number): Excess | undefined {
    this.#bytes += bytes;
    if (this.#first === undefined) {
      this.#first = item;
      this.#firstBytes = bytes;
    } else {
      if (this.#entries === NOTHING) this.#entries = [];
      this.#entries.push({ item, bytes });
      if (this.length > this.#limits.queueItems) return 'queueItems';
    }
    return this.#bytes > this.#limits.queueBytes ? 'queueBytes' : undefined;
  }

  shift(): T | undefined {
    const item = this.#first;
    if (item === undefined) return undefined;
    this.#bytes -= this.#firstBytes;
    this.#first = undefined;
    if (this.#entries !== NOTHING) this.#moveUp();
    return item;
  }

  clear(): void {
    this.#first = undefined;
    this.#entries = NOTHING;
    this.#head = 0;
    this.#bytes = 0;
  }

  get length(): number {
    return this.#first === undefined ? 0 : 1 + this.#entries.length - this.#head;
  }

  #moveUp(): void {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return;
    this.#first = entry.item;
    this.#firstBytes = entry.bytes;
    this.#entries[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#entries.length) {
      this.#entries = NOTHING;
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
}
