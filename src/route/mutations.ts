import { type CommandPayload, give, recordedFields } from '../audit/command-payload.ts';
import { present } from '../eventstore/payload.ts';
import { builder } from '../graphql/builder.ts';
import { type Context, refuseUnless, stamp } from '../graphql/context.ts';
import { idOf, newIdOf } from '../graphql/global-id.ts';
import { isRefusal, resultUnion } from '../graphql/refusal.ts';
import { type Refusal, refusal } from '../refusal.ts';
import { vehiclesById } from '../vehicle/look-up.ts';
import type { PlanChanges, StopWish } from './decide.ts';
import { AdjustRouteInput, PlanRouteInput } from './inputs.ts';
import { RouteRef } from './objects.ts';
import { type RouteRow, routeSummary } from './projection.ts';
import { route } from './route.ts';

const RoutePayload = builder.objectRef<CommandPayload<RouteRow>>('RoutePayload').implement({
  description: 'The command is recorded.',
  fields: (t) => ({
    route: t.expose('row', { type: RouteRef, description: 'As the command left it.' }),
    ...recordedFields(t),
  }),
});

const RouteResult = resultUnion('RouteResult', RoutePayload);

/** The vehicle that an input names, if it names one; the refusal where the tenant has no such vehicle. */
async function vehicleOf(
  context: Context,
  named: string | null | undefined,
): Promise<string | undefined | Refusal> {
  if (named === null || named === undefined) return undefined;
  const id = idOf('Vehicle', named, 'vehicleId');
  if (isRefusal(id)) return id;
  const [found] = await vehiclesById(context, [id]);
  return found?.id ?? refusal('NOT_FOUND', 'There is no such vehicle.', 'vehicleId');
}

type PlanFields = typeof PlanRouteInput.$inferInput;

function stopsOf(stops: PlanFields['stops']): StopWish[] {
  return stops.map((stop) => present(stop));
}

function pathOf(points: NonNullable<PlanFields['path']>): [number, number][] {
  return points.map(({ longitude, latitude }) => [longitude, latitude]);
}

async function plan(context: Context, input: PlanFields): Promise<CommandPayload<RouteRow> | Refusal> {
  const forbidden = refuseUnless(context, 'dispatcher', 'admin', 'system');
  if (forbidden) return forbidden;
  const { idempotencyKey: key, id: wanted, name, fleetId, distanceM, durationS } = input;
  const id = wanted ? newIdOf('Route', wanted, 'id') : context.store.newId('Route', key);
  if (isRefusal(id)) return id;
  const vehicleId = await vehicleOf(context, input.vehicleId);
  if (isRefusal(vehicleId)) return vehicleId;
  const tenderId = input.tenderId ? idOf('Tender', input.tenderId, 'tenderId') : undefined;
  if (isRefusal(tenderId)) return tenderId;
  const path = input.path ? pathOf(input.path) : undefined;
  return give(context, routeSummary, {
    aggregate: route,
    id,
    command: {
      type: 'PlanRoute',
      plan: { stops: stopsOf(input.stops), ...present({ vehicleId, path, distanceM, durationS }) },
      ...present({ name, tenderId, fleetId }),
      ...stamp(context, input),
    },
    input,
    creates: true,
    ...present({ key }),
  });
}

async function adjust(
  context: Context,
  input: typeof AdjustRouteInput.$inferInput,
): Promise<CommandPayload<RouteRow> | Refusal> {
  const forbidden = refuseUnless(context, 'dispatcher', 'admin', 'system');
  if (forbidden) return forbidden;
  const id = idOf('Route', input.routeId, 'routeId');
  if (isRefusal(id)) return id;
  const vehicleId = await vehicleOf(context, input.vehicleId);
  if (isRefusal(vehicleId)) return vehicleId;
  const { idempotencyKey: key, reasonCode, source, stops, path, distanceM, durationS } = input;
  // Null clears, absent leaves alone: told apart here, where both can still be seen.
  const changes: PlanChanges = {
    ...(input.vehicleId === undefined ? {} : { vehicleId: vehicleId ?? null }),
    ...(stops ? { stops: stopsOf(stops) } : {}),
    ...(path === undefined ? {} : { path: path && pathOf(path) }),
    ...(distanceM === undefined ? {} : { distanceM }),
    ...(durationS === undefined ? {} : { durationS }),
  };
  return give(context, routeSummary, {
    aggregate: route,
    id,
    command: {
      type: 'AdjustRoute',
      changes,
      reasonCode,
      source: source ?? 'DISPATCHER',
      ...stamp(context, input),
    },
    input,
    ...present({ key }),
  });
}

builder.mutationFields((t) => ({
  planRoute: t.field({
    type: RouteResult,
    description: 'Plans the way of a vehicle through stops.',
    args: { input: t.arg({ type: PlanRouteInput, required: true }) },
    resolve: (_root, { input }, context) => plan(context, input),
  }),
  adjustRoute: t.field({
    type: RouteResult,
    description: 'Replaces a plan; before, after, source and reason are recorded.',
    args: { input: t.arg({ type: AdjustRouteInput, required: true }) },
    resolve: (_root, { input }, context) => adjust(context, input),
  }),
}));
