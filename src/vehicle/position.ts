import { momentId } from '../eventstore/ids.ts';
import type { Box } from '../eventstore/interest.ts';

/**
 * The id of a fix that came without a key, made of the tenant, the vehicle, the device and the moment: who sends the
 * same fix again gets the same id.
 */
export function fixEventId(
  tenantId: string,
  vehicleId: string,
  deviceId: string | null | undefined,
  occurredAt: Date,
): ReturnType<typeof momentId> {
  // The only part of free form stands last, so that no two fixes share one name.
  return momentId(`${tenantId}\0${vehicleId}\0${occurredAt.getTime()}\0${deviceId ?? ''}`, occurredAt);
}

/** A point on the map, WGS 84 degrees. */
export interface Coordinates {
  readonly longitude: number;
  readonly latitude: number;
}

/**
 * A box between two meridians and two parallels, edges included. Where `west` is greater than `east`, it crosses
 * the 180th meridian.
 */
export interface BoundingBox {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** What is wrong with a box: the field at fault and a sentence, or null. */
export function boxFault({
  west,
  south,
  east,
  north,
}: BoundingBox): { field: string; message: string } | null {
  const beyond = (degrees: number, limit: number): boolean => !(Math.abs(degrees) <= limit);
  if (beyond(west, 180)) return { field: 'west', message: 'west must be -180 to 180 degrees.' };
  if (beyond(east, 180)) return { field: 'east', message: 'east must be -180 to 180 degrees.' };
  if (beyond(south, 90)) return { field: 'south', message: 'south must be -90 to 90 degrees.' };
  if (beyond(north, 90)) return { field: 'north', message: 'north must be -90 to 90 degrees.' };
  if (south > north) return { field: 'south', message: 'south must not be greater than north.' };
  return null;
}

/**
 * The ranges of longitude that a box spans, each from its west to its east. -180 and 180 are one meridian: a box
 * that touches it on either side holds vehicles that report it either way.
 */
function longitudes({ west, east }: BoundingBox): [west: number, east: number][] {
  if (west > east)
    return [
      [west, 180],
      [-180, east],
    ];
  const ranges: [number, number][] = [[west, east]];
  if (west === -180 && east < 180) ranges.push([180, 180]);
  if (east === 180 && west > -180) ranges.push([-180, -180]);
  return ranges;
}

/** Whether a point lies in a box. Agrees with `boxFilter`. */
export function contains(box: BoundingBox, { longitude, latitude }: Coordinates): boolean {
  if (latitude < box.south || latitude > box.north) return false;
  return longitudes(box).some(([west, east]) => longitude >= west && longitude <= east);
}

/** Rows whose `position` lies in a box, in MongoDB's query language. Agrees with `contains`. */
export function boxFilter(box: BoundingBox): Record<string, unknown> {
  const parts = longitudes(box).map(([west, east]) => ({
    'position.longitude': { $gte: west, $lte: east },
    'position.latitude': { $gte: box.south, $lte: box.north },
  }));
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { $or: parts };
}

/** A box as parts of a plane, none of which bends around the 180th meridian. Agrees with `contains`. */
export function partsOf(box: BoundingBox): Box[] {
  return longitudes(box).map(([west, east]) => ({
    minX: west,
    minY: box.south,
    maxX: east,
    maxY: box.north,
  }));
}
