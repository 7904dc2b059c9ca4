import type { RouteEvent, RoutePlan } from './events.ts';

/** What decisions about a route need to know: the plan in force, or null before it was planned. */
export interface RouteState {
  readonly plan: RoutePlan | null;
}

export const initialRoute: RouteState = { plan: null };

/** The state after `event`; events of types unknown here leave it as it is. */
export function evolveRoute(state: RouteState, event: RouteEvent): RouteState {
  switch (event.type) {
    case 'RoutePlanned': {
      const { name: _name, tenderId: _tender, fleetId: _fleet, ...plan } = event.payload;
      return { plan };
    }
    case 'RouteAdjusted':
      return { plan: event.payload.after };
    default:
      return state;
  }
}
