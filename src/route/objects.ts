import { EventConnection, EventRef, HISTORY_ARGS } from '../audit/graphql.ts';
import { historyOf } from '../audit/history.ts';
import { builder, uncached } from '../graphql/builder.ts';
import { isCarrier, requireAccess } from '../graphql/context.ts';
import { costs } from '../graphql/cost.ts';
import { encodeGlobalId } from '../graphql/global-id.ts';
import { VehicleRef } from '../vehicle/objects.ts';
import type { RoutePlan, RouteStop } from './events.ts';
import { type Adjustment, type RouteRow, routeSummary } from './projection.ts';
import { ADJUST_REASONS, ADJUST_SOURCES, type AdjustReason, type AdjustSource } from './reasons.ts';
import { route } from './route.ts';

export const AdjustReasonRef = builder.enumType('RouteAdjustReason', {
  description: 'Why a route is changed (X12 214, element 1651).',
  values: Object.fromEntries(
    Object.entries(ADJUST_REASONS).map(([name, [code, meaning]]) => [
      name,
      { description: `${meaning} (X12 1651: ${code})` },
    ]),
  ) as Record<AdjustReason, { description: string }>,
});

export const AdjustSourceRef = builder.enumType('RouteAdjustSource', {
  description: 'Who or what found that a route must change.',
  values: Object.fromEntries(
    Object.entries(ADJUST_SOURCES).map(([name, description]) => [name, { description }]),
  ) as Record<AdjustSource, { description: string }>,
});

const RouteStopRef = builder.objectRef<RouteStop>('RouteStop').implement({
  description: 'A place on the planned way. Coordinates are WGS 84.',
  fields: (t) => ({
    sequence: t.exposeInt('sequence', { description: 'Its place on the way, from 1.' }),
    name: t.exposeString('name', { description: 'For a person.' }),
    longitude: t.exposeFloat('longitude', { description: 'Degrees east, -180 to 180.' }),
    latitude: t.exposeFloat('latitude', { description: 'Degrees north, -90 to 90.' }),
    plannedArrival: t.expose('plannedArrival', {
      type: 'DateTime',
      nullable: true,
      description: 'When the vehicle is to be there.',
    }),
  }),
});

type Point = readonly [longitude: number, latitude: number];

const RoutePointRef = builder.objectRef<Point>('RoutePoint').implement({
  description: 'A point of the line of a route. WGS 84.',
  fields: (t) => ({
    longitude: t.float({ description: 'Degrees east, -180 to 180.', resolve: ([longitude]) => longitude }),
    latitude: t.float({ description: 'Degrees north, -90 to 90.', resolve: ([, latitude]) => latitude }),
  }),
});

interface Plan {
  readonly vehicleId?: string | null | undefined;
  readonly stops: readonly RouteStop[];
  readonly path?: readonly Point[] | null | undefined;
  readonly distanceM?: number | null | undefined;
  readonly durationS?: number | null | undefined;
}

/** What is planned: the same on a route as it is now and in an adjustment's before and after. */
const PlannedWay = builder.interfaceRef<Plan>('PlannedWay').implement({
  description: 'A planned way through stops.',
  fields: (t) => ({
    vehicle: t.field({
      type: VehicleRef,
      nullable: true,
      description: 'Whose way it is, as that vehicle is now.',
      resolve: ({ vehicleId }) => vehicleId,
    }),
    stops: t.field({ type: [RouteStopRef], description: 'In order.', resolve: ({ stops }) => [...stops] }),
    path: t.field({
      type: [RoutePointRef],
      nullable: true,
      description: 'The line between the stops.',
      extensions: costs({ size: 50 }),
      resolve: ({ path }) => path && [...path],
    }),
    distanceM: t.exposeFloat('distanceM', { nullable: true, description: 'Its length.' }),
    durationS: t.exposeFloat('durationS', { nullable: true, description: 'How long it is to take.' }),
  }),
});

const RoutePlanRef = builder.objectRef<RoutePlan>('RoutePlan').implement({
  description: 'A plan, before or after an adjustment.',
  interfaces: [PlannedWay],
});

const AdjustmentRef = builder.objectRef<Adjustment>('RouteAdjustment').implement({
  description: 'What an adjustment changed, and why.',
  fields: (t) => ({
    before: t.expose('before', { type: RoutePlanRef, description: 'The plan that it replaced.' }),
    after: t.expose('after', { type: RoutePlanRef, description: 'The plan that it made.' }),
    reasonCode: t.expose('reasonCode', { type: AdjustReasonRef, description: 'Why.' }),
    source: t.expose('source', { type: AdjustSourceRef, description: 'Who or what found it.' }),
    occurredAt: t.expose('occurredAt', { type: 'DateTime', description: 'When.' }),
  }),
});

/** A route. Resolvers return its row, or its id (a UUID in text form). */
export const RouteRef = builder.loadableNode(builder.objectRef<RouteRow>('Route'), {
  description: 'The planned way of a vehicle through stops.',
  interfaces: [PlannedWay],
  id: { resolve: (row) => row.id, description: 'Global id.' },
  loaderOptions: uncached,
  load: async (ids: string[], context) => {
    // Routes are the fleet's own affair: to a carrier there are none.
    if (isCarrier(requireAccess(context))) return [];
    const rows = await context.store.rows(routeSummary).byIds(ids);
    return rows.filter((row) => row !== null);
  },
  // What is not found becomes null.
  sort: (row) => row.id,
  fields: (t) => ({
    name: t.exposeString('name', { nullable: true, description: 'For a person.' }),
    fleetId: t.exposeString('fleetId', { nullable: true, description: 'The fleet it is planned for.' }),
    tenderId: t.id({
      nullable: true,
      description: 'The tender it is planned for, as a global id.',
      resolve: ({ tenderId }) => (tenderId === null ? null : encodeGlobalId('Tender', tenderId)),
    }),
    adjustments: t.exposeInt('adjustments', { description: 'How often it was adjusted.' }),
    lastAdjustment: t.expose('lastAdjustment', {
      type: AdjustmentRef,
      nullable: true,
      description: 'The last, with what it changed.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When its first event was recorded.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When its last event was recorded.' }),
    lastEvent: t.expose('lastEvent', { type: EventRef, description: 'What happened to it last.' }),
    history: t.field({
      type: EventConnection,
      description:
        'All that was recorded of it, up to now, in the order of recording: who, why, when it happened and when it was told.',
      args: HISTORY_ARGS,
      resolve: (row, page, context) => historyOf(context, { aggregateType: route.type, id: row.id }, page),
    }),
  }),
});
