/** A point of a plane: for a map, degrees of longitude and latitude. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle, edges included. What bends around the 180th meridian is given in parts. */
export interface Box {
  readonly minX: number;
  readonly minY: number;
  readonly maxX: number;
  readonly maxY: number;
}

/** A field by whose values subscribers choose. Known by identity: one object per field, made once. */
export interface ValueFacet<D> {
  valuesOf(document: D): readonly (string | null | undefined)[];
}

/** Where a document is, for those who look at a part of the map. Known by identity, too. */
export interface PointFacet<D> {
  pointOf(document: D): Point | null;
}

/**
 * What a subscriber may want to hear of: all that its `matches` lets through, and as little else as possible, since
 * every change of it is offered to that subscriber. One of several conditions is enough: the one that lets the least
 * through.
 */
export type Interest<D> =
  /** By the ids that documents are delivered under: the aggregate's id; of an event, its own. */
  | { readonly ids: readonly string[] }
  | { readonly facet: ValueFacet<D>; readonly values: readonly string[] }
  | { readonly facet: PointFacet<D>; readonly boxes: readonly Box[] };
