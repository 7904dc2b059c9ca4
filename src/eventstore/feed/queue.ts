import type { Excess, FeedLimits } from './limits.ts';

/** How many empty slots at the head are worth cutting off, once they are half of all: so each `shift` costs little on average. */
const COMPACT_AT = 1_024;

/** First in, first out. What was taken leaves an empty slot until the list is cut. Of the ring, and of subscribers' queues. */
export class Fifo<T extends object> {
  #items: (T | undefined)[] = [];
  #head = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest; undefined where there is none. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  /** Takes the oldest. */
  shift(): T | undefined {
    const item = this.first;
    if (item === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.length === 0 || (this.#head >= COMPACT_AT && this.#head * 2 >= this.#items.length)) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** All that are left, the oldest first. */
  all(): T[] {
    return this.#items.filter((item) => item !== undefined);
  }

  get length(): number {
    return this.#items.length - this.#head;
  }
}

/** First in, first out, bounded by count and by bytes. */
export interface BoundedQueue<T> {
  /** Adds an item. @returns the limit that is now exceeded, if any */
  push(item: T, bytes: number): Excess | undefined;
  shift(): T | undefined;
  clear(): void;
  readonly length: number;
}

export function openQueue<T>(limits: Pick<FeedLimits, 'queueItems' | 'queueBytes'>): BoundedQueue<T> {
  return new Queue(limits);
}

interface Entry<T> {
  readonly item: T;
  readonly bytes: number;
}

/** Most queues hold one item, for as long as it takes to hand it over; a single item needs no list. */
class Queue<T> implements BoundedQueue<T> {
  readonly #limits: Pick<FeedLimits, 'queueItems' | 'queueBytes'>;
  #first: T | undefined;
  #firstBytes = 0;
  /** What comes behind the first; none where nothing does. */
  #rest: Fifo<Entry<T>> | undefined;
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
      this.#rest ??= new Fifo();
      this.#rest.push({ item, bytes });
      if (this.length > this.#limits.queueItems) return 'queueItems';
    }
    return this.#bytes > this.#limits.queueBytes ? 'queueBytes' : undefined;
  }

  shift(): T | undefined {
    const item = this.#first;
    if (item === undefined) return undefined;
    this.#bytes -= this.#firstBytes;
    const entry = this.#rest?.shift();
    this.#first = entry?.item;
    this.#firstBytes = entry?.bytes ?? 0;
    if (this.#rest?.length === 0) this.#rest = undefined;
    return item;
  }

  clear(): void {
    this.#first = undefined;
    this.#rest = undefined;
    this.#bytes = 0;
  }

  get length(): number {
    return this.#first === undefined ? 0 : 1 + (this.#rest?.length ?? 0);
  }
}
