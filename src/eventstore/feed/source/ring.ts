import { BSON, type Timestamp } from 'mongodb';
import { isBehind, type Place } from '../cursor.ts';
import { Delivery } from '../delivery.ts';
import { Fifo } from '../fifo.ts';

/** What a process may keep of what was told, for those who resume. */
export interface RingLimits {
  readonly historyBytes: number;
  readonly historyItems: number;
}

/** What an entry takes beside its document, in bytes. */
const ENTRY_BYTES = 200;

/** A change as it is kept: packed, since an object takes four times the memory. */
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

  /** The change as it was told; shared by all who ask for it at about the same time. */
  delivery(): Delivery<object> {
    const known = this.#unpacked?.deref();
    if (known !== undefined) return known;
    const document = this.#document === null ? null : BSON.deserialize(this.#document);
    const unpacked = new Delivery<object>(this.scope, this.id, document, this.place);
    this.#unpacked = new WeakRef(unpacked);
    return unpacked;
  }
}

/** The changes of a stretch of the feed, in order, by whose they are; the oldest go when there are too many. */
export class Ring {
  readonly #limits: RingLimits;
  #all = new Fifo<PastChange>();
  readonly #scopes = new Map<string, Fifo<PastChange>>();
  /** By read model: since then its changes are of one kind. */
  readonly #breaks = new Map<string, Place>();
  #from: Timestamp;
  #bytes = 0;

  /** @param from the moment behind which nothing is left out */
  constructor(limits: RingLimits, from: Timestamp) {
    this.#limits = limits;
    this.#from = from;
  }

  /** Every change that was committed later is in here. */
  get from(): Timestamp {
    return this.#from;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(change: PastChange): void {
    // The rest of a moment that was let go of already.
    if (!change.place.time.greaterThan(this.#from)) return;
    const scope = this.#scopes.get(change.scope) ?? new Fifo();
    this.#scopes.set(change.scope, scope);
    scope.push(change);
    this.#all.push(change);
    this.#bytes += change.bytes;
    const { historyBytes, historyItems } = this.#limits;
    while (this.#bytes > historyBytes || this.#all.length > historyItems) this.#drop();
  }

  /** What comes behind `place` cannot be joined to what came before it: the rows of a read model were replaced. */
  breakAt(name: string, place: Place): void {
    this.#breaks.set(name, place);
  }

  lastBreak(name: string): Place | undefined {
    return this.#breaks.get(name);
  }

  of(scope: string): readonly PastChange[] {
    return this.#scopes.get(scope)?.all() ?? [];
  }

  /** Forgets everything: changes were missed. */
  reset(from: Timestamp): void {
    this.#all = new Fifo();
    this.#scopes.clear();
    this.#breaks.clear();
    this.#bytes = 0;
    this.#from = from;
  }

  /** Lets go of the oldest moment, with all that was committed in it. */
  #drop(): void {
    const oldest = this.#all.first;
    if (oldest === undefined) return;
    this.#from = oldest.place.time;
    for (let next = this.#all.first; next?.place.time.equals(this.#from); next = this.#all.first) {
      this.#bytes -= next.bytes;
      this.#all.shift();
      const scope = this.#scopes.get(next.scope);
      scope?.shift();
      if (scope?.length === 0) this.#scopes.delete(next.scope);
    }
  }
}

/** Splits changes that are in order at a place. */
export function splitAt(
  changes: readonly PastChange[],
  place: Place,
): { readonly before: readonly PastChange[]; readonly behind: readonly PastChange[] } {
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const change = changes[middle];
    if (change !== undefined && isBehind(change.place, place)) high = middle;
    else low = middle + 1;
  }
  return { before: changes.slice(0, low), behind: changes.slice(low) };
}
