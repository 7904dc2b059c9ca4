import type { Aggregate } from '../eventstore/aggregate.ts';
import { decideRoute, faultOf, type RouteCommand } from './decide.ts';
import type { RouteEvent } from './events.ts';
import { routeSummary } from './projection.ts';
import { evolveRoute, initialRoute, type RouteState } from './state.ts';

/** The stream of a route. */
export const route: Aggregate<RouteState, RouteCommand, RouteEvent> = {
  type: 'Route',
  stateVersion: 1,
  initial: initialRoute,
  evolve: evolveRoute,
  decide: decideRoute,
  faultOf,
  projections: [routeSummary],
};
