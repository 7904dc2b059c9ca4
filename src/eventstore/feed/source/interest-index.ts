import RBush from 'rbush';
import type { Box, Interest, Point, PointFacet, ValueFacet } from '../../interest.ts';
import { isNextOf, LastReadings, type Reading } from './last-readings.ts';

export interface InterestIndexOptions<D> {
  /** Rises with each change of a document. Absent: documents never change, so nobody can have lost one from view. */
  readonly versionOf?: ((document: D) => number) | undefined;
  /** Documents whose last reading is remembered; a change of any other is shown to everyone. */
  readonly remembered: number;
}

/** A change as the index looks at it. */
export interface IndexedChange<D> {
  readonly id: string;
  /** After the change; null when it is gone. */
  readonly document: D | null;
  /** There was none under this id before. */
  readonly isNew: boolean;
}

/**
 * Finds the subscribers that a change may concern, among those to one tenant's read model or to its log: those who may
 * want the document as it is now, and those who wanted it as it was before and so may have it. Showing the change to
 * anyone else would cost time and tell them nothing.
 *
 * Which subscriber has which row is not recorded. A subscriber has the rows that it wanted as their last change left
 * them, so remembering that last reading of a row serves all subscribers; a row without one may be held by anybody.
 * This is true while a snapshot is being read, too: its rows are as the last change left them, or a change to come will.
 */
export class InterestIndex<D extends object, M> {
  readonly #options: InterestIndexOptions<D>;
  readonly #entries = new Set<IndexEntry<D, M>>();
  /** Those without an interest. */
  readonly #unbound = new Set<IndexEntry<D, M>>();
  readonly #byId = new ValueIndex<D, M>({ valuesOf: () => [] });
  readonly #byValue = new Map<ValueFacet<D>, ValueIndex<D, M>>();
  readonly #byBox = new Map<PointFacet<D>, BoxIndex<D, M>>();
  /** Those of `byValue` and `byBox`, in the order of a reading's values. */
  readonly #facets: FacetIndex<D, M, unknown>[] = [];
  readonly #readings: LastReadings;
  /** Entries that choose by a facet. */
  #choosing = 0;
  #changes = 0;

  constructor(options: InterestIndexOptions<D>) {
    this.#options = options;
    this.#readings = new LastReadings(options.remembered);
  }

  /** Without an interest, everything may concern the member. @returns the entry to leave with */
  join(member: M, interest?: Interest<D>): IndexEntry<D, M> {
    const entry = { member, interest, lastChange: 0 };
    this.#entries.add(entry);
    if (interest === undefined) this.#unbound.add(entry);
    else if ('ids' in interest) this.#byId.join(entry, interest.ids);
    else {
      this.#choosing += 1;
      if ('values' in interest) this.#valueIndexOf(interest.facet).join(entry, interest.values);
      else this.#boxIndexOf(interest.facet).join(entry, interest.boxes);
    }
    return entry;
  }

  leave(entry: IndexEntry<D, M>): void {
    const { interest } = entry;
    if (!this.#entries.delete(entry)) return;
    if (interest === undefined) this.#unbound.delete(entry);
    else if ('ids' in interest) this.#byId.leave(entry, interest.ids);
    else {
      this.#choosing -= 1;
      if ('values' in interest) this.#valueIndexOf(interest.facet).leave(entry, interest.values);
      else this.#boxIndexOf(interest.facet).leave(entry, interest.boxes);
      if (this.#choosing === 0) this.#clear();
    }
  }

  /** Finds whom a change may concern, each once, and remembers its reading. Every change must come here, in order. */
  concerned(change: IndexedChange<D>): readonly M[] {
    const found: M[] = [];
    this.#changes += 1;
    const visit = (entry: IndexEntry<D, M>): void => {
      if (entry.lastChange === this.#changes) return;
      entry.lastChange = this.#changes;
      found.push(entry.member);
    };
    this.#unbound.forEach(visit);
    this.#byId.find([change.id], visit);
    if (this.#choosing > 0) this.#search(change, visit);
    return found;
  }

  everyone(): readonly M[] {
    return Array.from(this.#entries, ({ member }) => member);
  }

  /** Changes may have been missed: the readings say nothing any more. */
  forget(): void {
    this.#readings.clear();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Documents whose last reading is remembered. */
  get remembered(): number {
    return this.#readings.size;
  }

  #valueIndexOf(facet: ValueFacet<D>): ValueIndex<D, M> {
    const index = this.#byValue.get(facet) ?? this.#added(new ValueIndex<D, M>(facet));
    this.#byValue.set(facet, index);
    return index;
  }

  #boxIndexOf(facet: PointFacet<D>): BoxIndex<D, M> {
    const index = this.#byBox.get(facet) ?? this.#added(new BoxIndex<D, M>(facet));
    this.#byBox.set(facet, index);
    return index;
  }

  #added<S extends FacetIndex<D, M, unknown>>(index: S): S {
    this.#facets.push(index);
    return index;
  }

  /** With nobody left who chooses by a facet, changes are no longer read, so the readings would soon be outdated. */
  #clear(): void {
    this.#byValue.clear();
    this.#byBox.clear();
    this.#facets.length = 0;
    this.#readings.clear();
  }

  #search({ id, document, isNew }: IndexedChange<D>, visit: (entry: IndexEntry<D, M>) => void): void {
    const { versionOf } = this.#options;
    const after = document === null ? null : this.#read(document);
    const before = isNew || versionOf === undefined ? null : this.#readings.get(id);
    if (versionOf !== undefined) this.#readings.set(id, after);
    const isNext = isNextOf(before, after);
    for (const [position, index] of this.#facets.entries()) {
      if (isNext && (!before || position < before.values.length)) {
        if (after) index.find(after.values[position], visit);
        if (before) index.find(before.values[position], visit);
      } else index.all(visit);
    }
  }

  /** @returns undefined where it cannot be read: it goes to everyone, so that each filter which fails on it fails its own subscriber */
  #read(document: D): Reading | undefined {
    try {
      const version = this.#options.versionOf?.(document) ?? 0;
      return { version, values: this.#facets.map((index) => index.read(document)) };
    } catch {
      return undefined;
    }
  }
}

/** A member of an `InterestIndex`. It may stand under several values, and is found once a change. */
export interface IndexEntry<D, M> {
  readonly member: M;
  readonly interest: Interest<D> | undefined;
  /** The number of the last change that it was found for. */
  lastChange: number;
}

/** Members that choose by one facet. `R` is what it reads in a document. */
export interface FacetIndex<D, M, R> {
  read(document: D): R;
  /** Visits the entries that a document with this reading may concern, some of them more than once. */
  find(reading: R, visit: (entry: IndexEntry<D, M>) => void): void;
  /** Visits every entry, some of them more than once. */
  all(visit: (entry: IndexEntry<D, M>) => void): void;
}

/** Entries by a text: a value, or an id. */
class ValueIndex<D, M> implements FacetIndex<D, M, readonly (string | null | undefined)[]> {
  readonly #facet: ValueFacet<D>;
  readonly #entries = new Map<string, Set<IndexEntry<D, M>>>();

  constructor(facet: ValueFacet<D>) {
    this.#facet = facet;
  }

  join(entry: IndexEntry<D, M>, values: readonly string[]): void {
    for (const value of values) {
      const entries = this.#entries.get(value) ?? new Set();
      this.#entries.set(value, entries.add(entry));
    }
  }

  /** With the values that it joined with. */
  leave(entry: IndexEntry<D, M>, values: readonly string[]): void {
    for (const value of values) {
      const entries = this.#entries.get(value);
      entries?.delete(entry);
      if (entries?.size === 0) this.#entries.delete(value);
    }
  }

  read(document: D): readonly (string | null | undefined)[] {
    return this.#facet.valuesOf(document);
  }

  find(values: readonly (string | null | undefined)[], visit: (entry: IndexEntry<D, M>) => void): void {
    for (const value of values) {
      if (typeof value === 'string') this.#entries.get(value)?.forEach(visit);
    }
  }

  all(visit: (entry: IndexEntry<D, M>) => void): void {
    for (const entries of this.#entries.values()) entries.forEach(visit);
  }
}

/** A box of the tree. */
interface BoxEntry<D, M> extends Box {
  readonly entry: IndexEntry<D, M>;
}

/** Entries by the boxes of the map they choose, in an R-tree: their number hardly matters to finding those around a point. */
class BoxIndex<D, M> implements FacetIndex<D, M, Point | null> {
  readonly #facet: PointFacet<D>;
  readonly #tree = new RBush<BoxEntry<D, M>>();

  constructor(facet: PointFacet<D>) {
    this.#facet = facet;
  }

  join(entry: IndexEntry<D, M>, boxes: readonly Box[]): void {
    for (const box of boxes) this.#tree.insert(boxEntryOf(box, entry));
  }

  /** With the boxes that it joined with. */
  leave(entry: IndexEntry<D, M>, boxes: readonly Box[]): void {
    for (const box of boxes) this.#tree.remove(boxEntryOf(box, entry), isSame);
  }

  read(document: D): Point | null {
    return this.#facet.pointOf(document);
  }

  find(point: Point | null, visit: (entry: IndexEntry<D, M>) => void): void {
    if (point === null) return;
    const { x, y } = point;
    for (const { entry } of this.#tree.search({ minX: x, minY: y, maxX: x, maxY: y })) visit(entry);
  }

  all(visit: (entry: IndexEntry<D, M>) => void): void {
    for (const { entry } of this.#tree.all()) visit(entry);
  }
}

function boxEntryOf<D, M>({ minX, minY, maxX, maxY }: Box, entry: IndexEntry<D, M>): BoxEntry<D, M> {
  return { minX, minY, maxX, maxY, entry };
}

function isSame<D, M>(a: BoxEntry<D, M>, b: BoxEntry<D, M>): boolean {
  const isThere = a.minX === b.minX && a.minY === b.minY && a.maxX === b.maxX && a.maxY === b.maxY;
  return a.entry === b.entry && isThere;
}
