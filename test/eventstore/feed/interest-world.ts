import fc from 'fast-check';
import { UUID } from 'mongodb';
import type { StoredEvent } from '../../../src/eventstore/event.ts';
import type { Box, Interest, PointFacet, ValueFacet } from '../../../src/eventstore/interest.ts';
import type { Row } from '../../../src/eventstore/projection.ts';

/** A row that moves over a small map, changes its fleet, and goes. */
export interface Mover extends Row {
  readonly x: number;
  readonly y: number;
  readonly fleets: readonly string[];
}

export interface Wish {
  readonly interest?: Interest<Mover>;
  matches(row: Mover): boolean;
}

export const byFleet: ValueFacet<Mover> = { valuesOf: ({ fleets }) => fleets };
export const byPoint: PointFacet<Mover> = { pointOf: ({ x, y }) => ({ x, y }) };

const event = { _id: new UUID() } as StoredEvent;
const NEVER = new Date(0);

/** The map's edges, where its 180th meridian is. */
export const EDGE = 8;
const IDS = ['a', 'b', 'c', 'd'];
const FLEETS = ['north', 'south', 'east'];

export function mover(id: string, lastSequence: number, where: Pick<Mover, 'x' | 'y' | 'fleets'>): Mover {
  return {
    _id: `acme/${id}`,
    tenantId: 'acme',
    id,
    lastSequence,
    lastEvent: event,
    createdAt: NEVER,
    updatedAt: NEVER,
    ...where,
  };
}

const lengthwise = fc.integer({ min: -EDGE, max: EDGE });
const somewhere = fc.record({ x: lengthwise, y: lengthwise, fleets: fc.subarray(FLEETS) });
const anyId = fc.constantFrom(...IDS);

function within(box: Box, { x, y }: Mover): boolean {
  return x >= box.minX && x <= box.maxX && y >= box.minY && y <= box.maxY;
}

/** A box by two corners: with the first to the east of the second it goes around the back of the map, in two parts. */
function boxesOf([west, south, east, north]: readonly [number, number, number, number]): Box[] {
  const [minY, maxY] = south < north ? [south, north] : [north, south];
  if (west <= east) return [{ minX: west, minY, maxX: east, maxY }];
  return [
    { minX: west, minY, maxX: EDGE, maxY },
    { minX: -EDGE, minY, maxX: east, maxY },
  ];
}

/** What somebody wants: all, some ids, some fleets, a box, and either of the last with a condition that no index knows. */
export const anyWish: fc.Arbitrary<Wish> = fc.oneof(
  fc.constant<Wish>({ matches: () => true }),
  fc.subarray(IDS).map((ids): Wish => ({ interest: { ids }, matches: ({ id }) => ids.includes(id) })),
  fc.tuple(fc.subarray(FLEETS), fc.boolean()).map(
    ([values, odd]): Wish => ({
      interest: { facet: byFleet, values },
      matches: ({ fleets, y }) => fleets.some((fleet) => values.includes(fleet)) && (!odd || y % 2 !== 0),
    }),
  ),
  fc
    .tuple(fc.tuple(lengthwise, lengthwise, lengthwise, lengthwise), fc.boolean())
    .map(([corners, odd]): Wish => {
      const boxes = boxesOf(corners);
      const matches = (row: Mover) => boxes.some((box) => within(box, row)) && (!odd || row.y % 2 !== 0);
      return { interest: { facet: byPoint, boxes }, matches };
    }),
);

/** What happens in the world of an index, one after another. */
export type Happening =
  | {
      readonly kind: 'write';
      readonly id: string;
      readonly to: Pick<Mover, 'x' | 'y' | 'fleets'>;
      readonly skips: number;
    }
  /** The same version with another content: a row that was put right. */
  | { readonly kind: 'repair'; readonly id: string; readonly to: Pick<Mover, 'x' | 'y' | 'fleets'> }
  | { readonly kind: 'remove'; readonly id: string }
  /** The stream tells so many of the changes that it has not told yet. */
  | { readonly kind: 'tell'; readonly changes: number }
  | { readonly kind: 'join'; readonly wish: Wish }
  | { readonly kind: 'snapshot'; readonly who: number }
  | { readonly kind: 'read'; readonly who: number }
  | { readonly kind: 'leave'; readonly who: number }
  | { readonly kind: 'forget' };

const who = fc.nat({ max: 9 });

export const anyHappenings: fc.Arbitrary<Happening[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        id: anyId,
        to: somewhere,
        skips: fc.nat({ max: 2 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('repair' as const), id: anyId, to: somewhere }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), id: anyId }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('tell' as const), changes: fc.nat({ max: 4 }) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('join' as const), wish: anyWish }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('snapshot' as const), who }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('read' as const), who }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), who }) },
    { weight: 1, arbitrary: fc.constant<Happening>({ kind: 'forget' }) },
  ),
  { maxLength: 80, size: 'max' },
);
