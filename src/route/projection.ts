import type { StoredEvent } from '../eventstore/event.ts';
import type { Body, Projection, Row } from '../eventstore/projection.ts';
import type { RouteEvent, RoutePlan, RouteStop } from './events.ts';
import type { AdjustReason, AdjustSource } from './reasons.ts';

/** What an adjustment changed, and why. */
export interface Adjustment {
  readonly before: RoutePlan;
  readonly after: RoutePlan;
  readonly reasonCode: AdjustReason;
  readonly source: AdjustSource;
  readonly occurredAt: Date;
}

/** A route as dispatchers see it: the plan in force and what became of it. */
export interface RouteRow extends Row {
  readonly name: string | null;
  readonly vehicleId: string | null;
  readonly tenderId: string | null;
  readonly fleetId: string | null;
  readonly stops: readonly RouteStop[];
  /** Positions, longitude first (RFC 7946). */
  readonly path: readonly (readonly [number, number])[] | null;
  readonly distanceM: number | null;
  readonly durationS: number | null;
  /** How often the plan was replaced. */
  readonly adjustments: number;
  readonly lastAdjustment: Adjustment | null;
}

/** `route_summary`: one row per route, written together with its events. */
export const routeSummary: Projection<RouteRow> = {
  name: 'route_summary',
  version: 1,
  aggregateType: 'Route',
  mode: 'inline',
  indexes: [
    { keys: { tenantId: 1, vehicleId: 1, _id: 1 }, serves: '`routes` of a vehicle, page by page' },
    { keys: { tenantId: 1, tenderId: 1, _id: 1 }, serves: '`routes` of a tender' },
    { keys: { tenantId: 1, fleetId: 1, _id: 1 }, serves: '`routes` of a fleet, page by page' },
  ],
  evolve: evolveRow,
};

function evolveRow(row: RouteRow | null, stored: StoredEvent): Body<RouteRow> | null {
  const event = stored as RouteEvent;
  if (event.type === 'RoutePlanned') {
    const { name = null, tenderId = null, fleetId = null, ...plan } = event.payload;
    return { name, tenderId, fleetId, ...planned(plan), adjustments: 0, lastAdjustment: null };
  }
  if (row === null || event.type !== 'RouteAdjusted') return row;
  const { before, after, source } = event.payload;
  const reasonCode = (event.reasonCode ?? 'OTHER') as AdjustReason;
  return {
    ...row,
    ...planned(after),
    adjustments: row.adjustments + 1,
    lastAdjustment: { before, after, reasonCode, source, occurredAt: event.occurredAt },
  };
}

function planned(
  plan: RoutePlan,
): Pick<RouteRow, 'vehicleId' | 'stops' | 'path' | 'distanceM' | 'durationS'> {
  const { vehicleId = null, stops, path = null, distanceM = null, durationS = null } = plan;
  return { vehicleId, stops, path, distanceM, durationS };
}
