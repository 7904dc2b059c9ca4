import { BSON, type Timestamp } from 'mongodb';
import { isBehind, type Place } from './cursor.ts';
import { Delivery } from './delivery.ts';

/** What a process may keep of what was told, for those who resume. */
export interface RingLimits {
  readonly historyBytes: number;
  readonly historyItems: number;
}

/** What an entry takes beside its document, in bytes. */
const ENTRY_BYTES = 200;
/** Empty places are cut off when there are so many, and as many as entries, so that shifting costs nothing. */
const COMPACT_AT = 1_024;

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

/** A first-in, first-out list; what was taken leaves an empty place until the list is made shorter. */
interface Line {
  items: (PastChange | undefined)[];
  head: number;
}

/** The changes of a stretch of the feed, in order, by whose they are; the oldest go when there are too many. */
export class Ring {
  readonly #limits: RingLimits;
  readonly #all: Line = { items: [], head: 0 };
  readonly #scopes = new Map<string, Line>();
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
    const line = this.#scopes.get(change.scope) ?? { items: [], head: 0 };
    this.#scopes.set(change.scope, line);
    line.items.push(change);
    this.#all.items.push(change);
    this.#bytes += change.bytes;
    const { historyBytes, historyItems } = this.#limits;
    while (this.#bytes > historyBytes || this.#all.items.length - this.#all.head > historyItems) this.#drop();
  }

  /** What comes behind `place` cannot be joined to what came before it: the rows of a read model were replaced. */
  breakAt(name: string, place: Place): void {
    this.#breaks.set(name, place);
  }

  lastBreak(name: string): Place | undefined {
    return this.#breaks.get(name);
  }

  of(scope: string): readonly PastChange[] {
    const line = this.#scopes.get(scope);
    return (line?.items ?? []).filter((change) => change !== undefined);
  }

  /** Forgets everything: changes were missed. */
  reset(from: Timestamp): void {
    this.#all.items = [];
    this.#all.head = 0;
    this.#scopes.clear();
    this.#breaks.clear();
    this.#bytes = 0;
    this.#from = from;
  }

  /** Lets go of the oldest moment, with all that was committed in it. */
  #drop(): void {
    const oldest = this.#all.items[this.#all.head];
    if (oldest === undefined) return;
    this.#from = oldest.place.time;
    for (let next: PastChange | undefined = oldest; next?.place.time.equals(this.#from); ) {
      this.#bytes -= next.bytes;
      const line = this.#scopes.get(next.scope);
      if (line !== undefined && shift(line) === 0) this.#scopes.delete(next.scope);
      shift(this.#all);
      next = this.#all.items[this.#all.head];
    }
  }
}

/** @returns how many are left */
function shift(line: Line): number {
  line.items[line.head++] = undefined;
  if (line.head === line.items.length || (line.head >= COMPACT_AT && line.head * 2 >= line.items.length)) {
    line.items = line.items.slice(line.head);
    line.head = 0;
  }
  return line.items.length - line.head;
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
