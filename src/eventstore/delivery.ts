import { BSON, type Timestamp } from 'mongodb';
import { cursorAt } from './feed-item.ts';

/**
 * One change on its way to subscribers, shared by all of them: what costs something to know is found out once, and
 * only if someone asks.
 */
export class Delivery<D extends object> {
  readonly id: string;
  /** The document after the change; null when it is gone. */
  readonly document: D | null;
  readonly clusterTime: Timestamp;
  #cursor: string | undefined;
  #bytes: number | undefined;

  constructor(id: string, document: D | null, clusterTime: Timestamp) {
    this.id = id;
    this.document = document;
    this.clusterTime = clusterTime;
  }

  get cursor(): string {
    this.#cursor ??= cursorAt(this.clusterTime);
    return this.#cursor;
  }

  /** What a queue counts for it: the size in BSON, near enough to what it takes in memory. */
  get bytes(): number {
    this.#bytes ??= this.document === null ? 64 : BSON.calculateObjectSize(this.document);
    return this.#bytes;
  }
}
