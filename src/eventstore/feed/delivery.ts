import { BSON, type Timestamp } from 'mongodb';
import { type Place, writeCursor } from './cursor.ts';

/** What a queue counts for something without a document. */
export const BARE_BYTES = 64;
/** What a kept change takes beside its document, in bytes. */
const ENTRY_BYTES = 200;

/**
 * One change on its way to subscribers, shared by all of them: what costs something to compute is computed once, and
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

/** A delivery as it is kept for clients who come back: packed, since an object takes four times the memory. */
export class PastChange {
  readonly scope: string;
  readonly id: string;
  readonly place: Place;
  readonly #document: Uint8Array | null;
  #unpacked: WeakRef<Delivery<object>> | undefined;

  constructor(scope: string, id: string, document: object | null, place: Place) {
    this.scope = scope;
    this.id = id;
    this.place = place;
    this.#document = document === null ? null : BSON.serialize(document);
  }

  get bytes(): number {
    return ENTRY_BYTES + (this.#document?.length ?? 0);
  }

  /** The change as it was delivered; shared by all who ask for it at about the same time. */
  delivery(): Delivery<object> {
    const known = this.#unpacked?.deref();
    if (known !== undefined) return known;
    const document = this.#document === null ? null : BSON.deserialize(this.#document);
    const unpacked = new Delivery<object>(this.scope, this.id, document, this.place);
    this.#unpacked = new WeakRef(unpacked);
    return unpacked;
  }
}
