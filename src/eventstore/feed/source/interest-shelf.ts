import RBush from 'rbush';
import type { Box, Interest, PlaceFacet, Point, ValueFacet } from '../../interest.ts';

/** A subscriber's place in the index; it may sit under several values, and is asked once a change. */
export interface Seat<D, M> {
  readonly member: M;
  readonly interest: Interest<D> | undefined;
  /** The number of the last change that it was found for. */
  askedAt: number;
}

/** Subscribers that choose by one facet. `R` is what it reads in a document. */
export interface Shelf<D, M, R> {
  read(document: D): R;
  /** Visits the seats that a document with this reading may concern, some of them more than once. */
  find(reading: R, visit: (seat: Seat<D, M>) => void): void;
  /** Visits every seat, some of them more than once. */
  all(visit: (seat: Seat<D, M>) => void): void;
}

/** Seats by a text: a value, or an id. */
export class ValueShelf<D, M> implements Shelf<D, M, readonly (string | null | undefined)[]> {
  readonly #facet: ValueFacet<D>;
  readonly #seats = new Map<string, Set<Seat<D, M>>>();

  constructor(facet: ValueFacet<D>) {
    this.#facet = facet;
  }

  join(seat: Seat<D, M>, values: readonly string[]): void {
    for (const value of values) {
      const seats = this.#seats.get(value) ?? new Set();
      this.#seats.set(value, seats.add(seat));
    }
  }

  /** With the values that it joined with. */
  leave(seat: Seat<D, M>, values: readonly string[]): void {
    for (const value of values) {
      const seats = this.#seats.get(value);
      seats?.delete(seat);
      if (seats?.size === 0) this.#seats.delete(value);
    }
  }

  read(document: D): readonly (string | null | undefined)[] {
    return this.#facet.valuesOf(document);
  }

  find(values: readonly (string | null | undefined)[], visit: (seat: Seat<D, M>) => void): void {
    for (const value of values) {
      if (typeof value === 'string') this.#seats.get(value)?.forEach(visit);
    }
  }

  all(visit: (seat: Seat<D, M>) => void): void {
    for (const seats of this.#seats.values()) seats.forEach(visit);
  }
}

/** A box of the tree. */
interface Window<D, M> extends Box {
  readonly seat: Seat<D, M>;
}

/** Seats by the boxes that they look at, in an R-tree: finding the boxes around a point hardly depends on how many there are. */
export class PlaceShelf<D, M> implements Shelf<D, M, Point | null> {
  readonly #facet: PlaceFacet<D>;
  readonly #tree = new RBush<Window<D, M>>();

  constructor(facet: PlaceFacet<D>) {
    this.#facet = facet;
  }

  join(seat: Seat<D, M>, boxes: readonly Box[]): void {
    for (const box of boxes) this.#tree.insert(windowOf(box, seat));
  }

  /** With the boxes that it joined with. */
  leave(seat: Seat<D, M>, boxes: readonly Box[]): void {
    for (const box of boxes) this.#tree.remove(windowOf(box, seat), isSame);
  }

  read(document: D): Point | null {
    return this.#facet.placeOf(document);
  }

  find(place: Point | null, visit: (seat: Seat<D, M>) => void): void {
    if (place === null) return;
    const { x, y } = place;
    for (const { seat } of this.#tree.search({ minX: x, minY: y, maxX: x, maxY: y })) visit(seat);
  }

  all(visit: (seat: Seat<D, M>) => void): void {
    for (const { seat } of this.#tree.all()) visit(seat);
  }
}

function windowOf<D, M>({ minX, minY, maxX, maxY }: Box, seat: Seat<D, M>): Window<D, M> {
  return { minX, minY, maxX, maxY, seat };
}

function isSame<D, M>(a: Window<D, M>, b: Window<D, M>): boolean {
  const isThere = a.minX === b.minX && a.minY === b.minY && a.maxX === b.maxX && a.maxY === b.maxY;
  return a.seat === b.seat && isThere;
}
