import RBush from 'rbush';
import type { Box, PlaceFacet, Point, ValueFacet } from './interest.ts';

/** A subscriber's place in the index; it may sit under several values, and is asked once a change. */
export interface Seat<M> {
  readonly member: M;
  /** The number of the last change that it was found for. */
  askedAt: number;
}

/** Subscribers that choose by one facet. `R` is what it reads in a document. */
export interface Shelf<D, M, R> {
  read(document: D): R;
  /** Visits the seats that a document with this reading may concern, some of them more than once. */
  find(reading: R, visit: (seat: Seat<M>) => void): void;
  /** Visits every seat, some of them more than once. */
  all(visit: (seat: Seat<M>) => void): void;
}

/** Seats by a text: a value, or an id. */
export class ValueShelf<D, M> implements Shelf<D, M, readonly (string | null | undefined)[]> {
  readonly #facet: ValueFacet<D>;
  readonly #seats = new Map<string, Set<Seat<M>>>();

  constructor(facet: ValueFacet<D>) {
    this.#facet = facet;
  }

  /** @returns how to leave */
  join(seat: Seat<M>, values: readonly string[]): () => void {
    const wanted = new Set(values);
    for (const value of wanted) bucketOf(this.#seats, value).add(seat);
    return () => {
      for (const value of wanted) drop(this.#seats, value, seat);
    };
  }

  read(document: D): readonly (string | null | undefined)[] {
    return this.#facet.valuesOf(document);
  }

  find(values: readonly (string | null | undefined)[], visit: (seat: Seat<M>) => void): void {
    for (const value of values) {
      if (typeof value === 'string') this.#seats.get(value)?.forEach(visit);
    }
  }

  all(visit: (seat: Seat<M>) => void): void {
    for (const seats of this.#seats.values()) seats.forEach(visit);
  }
}

/** A box of the tree, with all who look at exactly it. */
interface Window<M> extends Box {
  readonly seats: Set<Seat<M>>;
}

/** Seats by the boxes that they look at, in an R-tree: finding the boxes around a point hardly depends on how many there are. */
export class PlaceShelf<D, M> implements Shelf<D, M, Point | null> {
  readonly #facet: PlaceFacet<D>;
  readonly #tree = new RBush<Window<M>>();
  readonly #windows = new Map<string, Window<M>>();

  constructor(facet: PlaceFacet<D>) {
    this.#facet = facet;
  }

  /** @returns how to leave */
  join(seat: Seat<M>, boxes: readonly Box[]): () => void {
    for (const box of boxes) this.#windowOf(box).seats.add(seat);
    return () => {
      for (const box of boxes) this.#leave(box, seat);
    };
  }

  read(document: D): Point | null {
    return this.#facet.placeOf(document);
  }

  find(place: Point | null, visit: (seat: Seat<M>) => void): void {
    if (place === null) return;
    const { x, y } = place;
    for (const { seats } of this.#tree.search({ minX: x, minY: y, maxX: x, maxY: y })) seats.forEach(visit);
  }

  all(visit: (seat: Seat<M>) => void): void {
    for (const { seats } of this.#windows.values()) seats.forEach(visit);
  }

  #windowOf(box: Box): Window<M> {
    const known = this.#windows.get(nameOf(box));
    if (known !== undefined) return known;
    const { minX, minY, maxX, maxY } = box;
    const opened = { minX, minY, maxX, maxY, seats: new Set<Seat<M>>() };
    this.#windows.set(nameOf(box), opened);
    this.#tree.insert(opened);
    return opened;
  }

  #leave(box: Box, seat: Seat<M>): void {
    const window = this.#windows.get(nameOf(box));
    if (window?.seats.delete(seat) !== true || window.seats.size > 0) return;
    this.#windows.delete(nameOf(box));
    this.#tree.remove(window);
  }
}

function nameOf({ minX, minY, maxX, maxY }: Box): string {
  return `${minX} ${minY} ${maxX} ${maxY}`;
}

function bucketOf<K, V>(buckets: Map<K, Set<V>>, key: K): Set<V> {
  const bucket = buckets.get(key) ?? new Set<V>();
  buckets.set(key, bucket);
  return bucket;
}

function drop<K, V>(buckets: Map<K, Set<V>>, key: K, value: V): void {
  const bucket = buckets.get(key);
  bucket?.delete(value);
  if (bucket?.size === 0) buckets.delete(key);
}
