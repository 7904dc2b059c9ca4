import type { Access } from '../access/access.ts';
import { withheld } from '../audit/withheld.ts';
import type { StoredEvent } from '../eventstore/event.ts';
import { isCarrier } from '../graphql/context.ts';
import type { VehicleRow } from './projection.ts';

/** A load that a carrier has now, and since when it has had it with the vehicle. */
export interface Carriage {
  readonly tenderId: string;
  readonly since: Date | null;
}

/** What a caller may see of vehicles: null for all; else, by vehicle, the load for which it sees it. */
export type Sight = ReadonlyMap<string, Carriage> | null;

/**
 * A vehicle as the caller may see it: where it is and what it is like; of its tender and of what happened to it, a carrier
 * sees what is about its own load. The row may be a little behind the load's, and still tell of the one before.
 */
export function vehicleSeenBy(access: Access, row: VehicleRow, carriage: Carriage | undefined): VehicleRow {
  if (!isCarrier(access)) return row;
  const tenderId = row.tenderId === carriage?.tenderId ? row.tenderId : null;
  return { ...row, tenderId, lastEvent: eventSeenFor(row.lastEvent, carriage) };
}

/** What happened to a vehicle, as the carrier sees it that has a load on it. */
function eventSeenFor(event: StoredEvent, carriage: Carriage | undefined): StoredEvent {
  const since = carriage?.since ?? null;
  if (carriage === undefined || since === null || event.occurredAt < since) return withheld(event);
  const { tenderId } = event.payload as { readonly tenderId?: string };
  return tenderId === undefined || tenderId === carriage.tenderId ? event : withheld(event);
}
