import { BSON, type Timestamp } from 'mongodb';
import { type Place, writeCursor } from './cursor.ts';

/** What a queue counts for something without a document. */
export const BARE_BYTES = 64;

/**
 * One change on its way to subscribers, shared by all of them: what costs something to know is found out once, and
 * only if someone asks.
 */
export class Delivery<D extends object> {
  /** Whose feed it is of. */
  readonly scope: string;
  readonly id: string;
  /** The document after the change; null when it is gone. */
  readonly document: D | null;
  /** Behind this change, and before the next. */
  readonly place: Place;
  #cursor: string | undefined;
  #bytes: number | undefined;

  constructor(scope: string, id: string, document: D | null, place: Place) {
    this.scope = scope;
    this.id = id;
    this.document = document;
    this.place = place;
  }

  get clusterTime(): Timestamp {
    return this.place.time;
  }

  get cursor(): string {
    this.#cursor ??= writeCursor(this.scope, this.place);
    return this.#cursor;
  }

  /** What a queue counts for it: the size in BSON, near enough to what it takes in memory. */
  get bytes(): number {
    this.#bytes ??= this.document === null ? BARE_BYTES : BSON.calculateObjectSize(this.document);
    return this.#bytes;
  }
}
