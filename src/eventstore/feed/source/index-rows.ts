import type { Interest, PlaceFacet, ValueFacet } from '../../interest.ts';
import { PlaceShelf, type Seat, type Shelf, ValueShelf } from './interest-shelf.ts';

export interface FeedIndexOptions<D> {
  /** Rises with each change of a document. Absent: documents never change, and so never leave anybody's sight. */
  readonly versionOf?: ((document: D) => number) | undefined;
  /** Documents to remember; a change of another is shown to everyone. */
  readonly remembered: number;
}

/** A change as the index looks at it. */
export interface Occurrence<D> {
  readonly id: string;
  /** After the change; null when it is gone. */
  readonly document: D | null;
  /** There was none under this id before. */
  readonly isNew: boolean;
}

/** What was last read in a document, by shelf. */
interface Trace {
  readonly version: number;
  readonly readings: readonly unknown[];
}

/**
 * Whom of the subscribers to one tenant's read model, or to its log, a change may concern: those that may want the
 * document as it is now, and those that may have it since they wanted it as it was. To show it to others would cost,
 * and tell nothing.
 *
 * Who has a row is not written down for each subscriber: it has those that it wanted as their last change left them,
 * so one trace of a row stands for all who have it, and a row without a trace anybody may have. That holds while a
 * snapshot is being read, too: what is in it was left so by the last change told, or by one to come.
 */
export class FeedIndex<D extends object, M> {
  readonly #options: FeedIndexOptions<D>;
  readonly #seats = new Set<Seat<D, M>>();
  /** What they want cannot be told from a document. */
  readonly #unbound = new Set<Seat<D, M>>();
  readonly #byId = new ValueShelf<D, M>({ valuesOf: () => [] });
  readonly #byValue = new Map<ValueFacet<D>, ValueShelf<D, M>>();
  readonly #byPlace = new Map<PlaceFacet<D>, PlaceShelf<D, M>>();
  /** Those of `byValue` and `byPlace`, in the order of a trace's readings. */
  readonly #shelves: Shelf<D, M, unknown>[] = [];
  /** By id, the longest unchanged first. */
  readonly #traces = new Map<string, Trace>();
  #shelved = 0;
  #changes = 0;

  constructor(options: FeedIndexOptions<D>) {
    this.#options = options;
  }

  /** Without an interest, everything may concern it. @returns its place, to leave with */
  join(member: M, interest?: Interest<D>): Seat<D, M> {
    const seat = { member, interest, askedAt: 0 };
    this.#seats.add(seat);
    if (interest === undefined) this.#unbound.add(seat);
    else if ('ids' in interest) this.#byId.join(seat, interest.ids);
    else {
      this.#shelved += 1;
      if ('values' in interest) this.#shelfByValue(interest.facet).join(seat, interest.values);
      else this.#shelfByPlace(interest.facet).join(seat, interest.boxes);
    }
    return seat;
  }

  leave(seat: Seat<D, M>): void {
    const { interest } = seat;
    if (!this.#seats.delete(seat)) return;
    if (interest === undefined) this.#unbound.delete(seat);
    else if ('ids' in interest) this.#byId.leave(seat, interest.ids);
    else {
      this.#shelved -= 1;
      if ('values' in interest) this.#shelfByValue(interest.facet).leave(seat, interest.values);
      else this.#shelfByPlace(interest.facet).leave(seat, interest.boxes);
      if (this.#shelved === 0) this.#clear();
    }
  }

  /** Finds whom a change may concern, each once, and remembers it. Every change must come here, in order. */
  concerned(occurrence: Occurrence<D>): readonly M[] {
    const found: M[] = [];
    this.#changes += 1;
    const visit = (seat: Seat<D, M>): void => {
      if (seat.askedAt === this.#changes) return;
      seat.askedAt = this.#changes;
      found.push(seat.member);
    };
    this.#unbound.forEach(visit);
    this.#byId.find([occurrence.id], visit);
    if (this.#shelved > 0) this.#search(occurrence, visit);
    return found;
  }

  everyone(): readonly M[] {
    return Array.from(this.#seats, ({ member }) => member);
  }

  /** Changes may have been missed: what is remembered says nothing any more. */
  forget(): void {
    this.#traces.clear();
  }

  get size(): number {
    return this.#seats.size;
  }

  /** Documents that are remembered. */
  get remembered(): number {
    return this.#traces.size;
  }

  #shelfByValue(facet: ValueFacet<D>): ValueShelf<D, M> {
    const shelf = this.#byValue.get(facet) ?? this.#putUp(new ValueShelf<D, M>(facet));
    this.#byValue.set(facet, shelf);
    return shelf;
  }

  #shelfByPlace(facet: PlaceFacet<D>): PlaceShelf<D, M> {
    const shelf = this.#byPlace.get(facet) ?? this.#putUp(new PlaceShelf<D, M>(facet));
    this.#byPlace.set(facet, shelf);
    return shelf;
  }

  #putUp<S extends Shelf<D, M, unknown>>(shelf: S): S {
    this.#shelves.push(shelf);
    return shelf;
  }

  /** From here on changes are not remembered, so that what is would soon be of old. */
  #clear(): void {
    this.#byValue.clear();
    this.#byPlace.clear();
    this.#shelves.length = 0;
    this.#traces.clear();
  }

  #search({ id, document, isNew }: Occurrence<D>, visit: (seat: Seat<D, M>) => void): void {
    const after = document === null ? null : this.#read(document);
    const before = isNew || this.#options.versionOf === undefined ? null : this.#traces.get(id);
    this.#remember(id, after);
    const isPlain = isNextOf(before, after);
    for (const [index, shelf] of this.#shelves.entries()) {
      if (isPlain && (!before || index < before.readings.length)) {
        if (after) shelf.find(after.readings[index], visit);
        if (before) shelf.find(before.readings[index], visit);
      } else shelf.all(visit);
    }
  }

  /** @returns undefined where it cannot be read: those whose filter fails on it shall be told of it nonetheless */
  #read(document: D): Trace | undefined {
    try {
      const version = this.#options.versionOf?.(document) ?? 0;
      return { version, readings: this.#shelves.map((shelf) => shelf.read(document)) };
    } catch {
      return undefined;
    }
  }

  #remember(id: string, trace: Trace | null | undefined): void {
    this.#traces.delete(id);
    if (!trace || this.#options.versionOf === undefined) return;
    this.#traces.set(id, trace);
    if (this.#traces.size <= this.#options.remembered) return;
    for (const oldest of this.#traces.keys()) return void this.#traces.delete(oldest);
  }
}

/**
 * Whether two traces (null: there was, or is, no document; undefined: not known) tell all who may have the document. A
 * row that goes, or comes in the same version once more, is one that is being put right: it may have been seen wrong.
 */
function isNextOf(before: Trace | null | undefined, after: Trace | null | undefined): boolean {
  if (before === undefined || !after) return false;
  return before === null || after.version > before.version;
}
