import type { TenantRows } from '../eventstore/projection/rows.ts';
import { type MdsState, VEHICLE_STATES } from './events.ts';
import type { VehicleRow } from './projection.ts';

/** The vehicles of a fleet, counted. */
export interface FleetSummary {
  /** Null for vehicles of no fleet. */
  readonly fleetId: string | null;
  readonly total: number;
  /** In the order of `VEHICLE_STATES`, without those that no vehicle is in. */
  readonly states: readonly { readonly state: MdsState; readonly vehicles: number }[];
}

interface Count {
  readonly _id: { readonly fleetId: string | null; readonly state: MdsState };
  readonly vehicles: number;
}

/** Counts by state, per fleet; answered from the index (tenantId, fleetId, state) alone. */
export async function fleetsOf(rows: TenantRows<VehicleRow>): Promise<FleetSummary[]> {
  const counts = await rows.aggregate<Count>([
    { $group: { _id: { fleetId: '$fleetId', state: '$state' }, vehicles: { $sum: 1 } } },
  ]);
  const fleets = new Map<string | null, Map<MdsState, number>>();
  for (const { _id, vehicles } of counts) {
    const fleet = fleets.get(_id.fleetId) ?? new Map<MdsState, number>();
    fleets.set(_id.fleetId, fleet.set(_id.state, vehicles));
  }
  return [...fleets]
    .sort(([a], [b]) => (a === b ? 0 : (a ?? '') < (b ?? '') ? -1 : 1))
    .map(([fleetId, states]) => ({
      fleetId,
      total: [...states.values()].reduce((sum, vehicles) => sum + vehicles, 0),
      states: VEHICLE_STATES.map((state) => ({ state, vehicles: states.get(state) ?? 0 })).filter(
        ({ vehicles }) => vehicles > 0,
      ),
    }));
}
