import { isDeepStrictEqual } from 'node:util';
import { type Command, type Decision, futureFault, record, refuse } from '../eventstore/aggregate.ts';
import { present } from '../eventstore/payload.ts';
import { type Refusal, refusal } from '../refusal.ts';
import type { RouteFact, RoutePlan, RouteStop } from './events.ts';
import type { AdjustReason, AdjustSource } from './reasons.ts';
import type { RouteState } from './state.ts';

/** A stop as it is asked for; its place in the list is its sequence. */
export type StopWish = Omit<RouteStop, 'sequence'>;

/** A plan as it is asked for. */
export interface PlanWish extends Omit<RoutePlan, 'stops'> {
  readonly stops: readonly StopWish[];
}

/** Plans a way that there was no plan for yet. */
export interface PlanRoute extends Command<'PlanRoute'> {
  readonly plan: PlanWish;
  readonly name?: string;
  readonly tenderId?: string;
  readonly fleetId?: string;
}

/** What an adjustment changes: an absent field stays, null clears it. */
export type PlanChanges = {
  readonly [K in keyof PlanWish]?: K extends 'stops' ? PlanWish[K] : PlanWish[K] | null;
};

/** Replaces a plan. */
export interface AdjustRoute extends Command<'AdjustRoute'> {
  readonly changes: PlanChanges;
  readonly reasonCode: AdjustReason;
  readonly source: AdjustSource;
}

export type RouteCommand = PlanRoute | AdjustRoute;

/** What comes of a command, given the route's past. */
export function decideRoute(state: RouteState, command: RouteCommand): Decision<RouteFact> {
  const fault = faultOf(command);
  if (fault !== undefined) return refuse(fault);
  return command.type === 'PlanRoute' ? planned(state, command) : adjusted(state, command);
}

/** What is wrong with a command by itself, whatever route it is given to. */
export function faultOf(command: RouteCommand): Refusal | undefined {
  return futureFault(command);
}

function planned(state: RouteState, { plan, name, tenderId, fleetId }: PlanRoute): Decision<RouteFact> {
  if (state.plan !== null)
    return refuse(refusal('ALREADY_EXISTS', 'A route with this id is planned already.'));
  const stops = numbered(plan.stops);
  return record({ type: 'RoutePlanned', payload: present({ ...plan, stops, name, tenderId, fleetId }) });
}

function adjusted(state: RouteState, { changes, reasonCode, source }: AdjustRoute): Decision<RouteFact> {
  const before = state.plan;
  if (before === null) return refuse(refusal('NOT_FOUND', 'There is no route with this id.'));
  const after = changed(before, changes);
  if (isDeepStrictEqual(before, after)) {
    return refuse(refusal('INVALID_INPUT', 'The adjustment leaves the route as it is.'));
  }
  return record({ type: 'RouteAdjusted', payload: { before, after, source }, reasonCode });
}

/** Line, length and duration belong to the stops: where the stops change, the old ones fall with them. */
function changed(before: RoutePlan, changes: PlanChanges): RoutePlan {
  if (changes.stops === undefined) return present({ ...before, ...changes, stops: before.stops });
  const stops = numbered(changes.stops);
  const { vehicleId } = before;
  return present({ vehicleId, ...changes, stops });
}

function numbered(stops: readonly StopWish[]): RouteStop[] {
  return stops.map((stop, index) => ({ sequence: index + 1, ...stop }));
}
