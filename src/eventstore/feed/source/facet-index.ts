import RBush from 'rbush';
import type { Box, Interest, Point, PointFacet, ValueFacet } from '../../interest.ts';

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
export class ValueIndex<D, M> implements FacetIndex<D, M, readonly (string | null | undefined)[]> {
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
export class BoxIndex<D, M> implements FacetIndex<D, M, Point | null> {
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
