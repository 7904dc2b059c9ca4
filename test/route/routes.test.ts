import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/eventstore/aggregate.ts';
import { checkPayload, openRegistry } from '../../src/eventstore/registry.ts';
import type { AdjustRoute, PlanRoute, RouteCommand } from '../../src/route/decide.ts';
import { MAX_PATH_POINTS, routeEvents } from '../../src/route/events.ts';
import { routeSummary } from '../../src/route/projection.ts';
import { ADJUST_REASON_NAMES, ADJUST_REASONS, ADJUST_SOURCE_NAMES } from '../../src/route/reasons.ts';
import { route } from '../../src/route/route.ts';
import type { RouteState } from '../../src/route/state.ts';
import { given, minute } from '../given.ts';

const TRUCK = '019503a0-0000-7000-8000-00000000cccc';
const OTHER_TRUCK = '019503a0-0000-7000-8000-00000000dddd';
const TENDER = '019503a0-0000-7000-8000-00000000aaaa';
const dispatcher: Caller = { id: 'dan', role: 'dispatcher' };
const at = (minutes: number) => ({ at: minute(minutes), occurredAt: minute(minutes), by: dispatcher });

const berlin = { name: 'Berlin', longitude: 13.4, latitude: 52.5 };
const leipzig = { name: 'Leipzig', longitude: 12.37, latitude: 51.34, plannedArrival: minute(180) };
const potsdam = { name: 'Potsdam', longitude: 13.06, latitude: 52.39 };
const numbered = (...stops: object[]) => stops.map((stop, index) => ({ sequence: index + 1, ...stop }));
const line: [number, number][] = [
  [13.4, 52.5],
  [12.37, 51.34],
];

const plan: PlanRoute = {
  type: 'PlanRoute',
  plan: { vehicleId: TRUCK, stops: [berlin, leipzig], path: line, distanceM: 190_000, durationS: 7_200 },
  name: 'Monday',
  tenderId: TENDER,
  fleetId: 'north',
  ...at(0),
};
const adjust = (changes: AdjustRoute['changes'], more: Partial<AdjustRoute> = {}): AdjustRoute => ({
  type: 'AdjustRoute',
  changes,
  reasonCode: 'TRAFFIC',
  source: 'DRIVER',
  ...at(5),
  ...more,
});
const plannedRoute = (...commands: RouteCommand[]) =>
  given<RouteState, RouteCommand>(route, plan, ...commands);
const before = {
  vehicleId: TRUCK,
  stops: numbered(berlin, leipzig),
  path: line,
  distanceM: 190_000,
  durationS: 7_200,
};

describe('planning a route', () => {
  it('numbers its stops in the order given', () => {
    given<RouteState, RouteCommand>(route)
      .when(plan)
      .records({
        type: 'RoutePlanned',
        payload: { ...before, name: 'Monday', tenderId: TENDER, fleetId: 'north' },
      });
  });

  it('is refused for a route that is planned already', () => {
    plannedRoute().when(plan).refuses('ALREADY_EXISTS');
  });

  it('shows in the summary', () => {
    expect(plannedRoute().row(routeSummary)).toMatchObject({
      ...before,
      name: 'Monday',
      tenderId: TENDER,
      fleetId: 'north',
      adjustments: 0,
      lastAdjustment: null,
    });
  });
});

describe('adjusting a route', () => {
  it('records what it was and what it is', () => {
    plannedRoute()
      .when(adjust({ durationS: 9_000 }))
      .records({
        type: 'RouteAdjusted',
        payload: { before, after: { ...before, durationS: 9_000 }, source: 'DRIVER' },
        reasonCode: 'TRAFFIC',
      });
  });

  it('lets line, length and duration fall with the stops they belong to', () => {
    const after = { vehicleId: TRUCK, stops: numbered(berlin, potsdam, leipzig) };
    plannedRoute()
      .when(adjust({ stops: [berlin, potsdam, leipzig] }))
      .records({
        type: 'RouteAdjusted',
        payload: { before, after, source: 'DRIVER' },
        reasonCode: 'TRAFFIC',
      });
  });

  it('hands the route to another vehicle, or to none', () => {
    expect(plannedRoute(adjust({ vehicleId: OTHER_TRUCK })).row(routeSummary)?.vehicleId).toBe(OTHER_TRUCK);
    const none = plannedRoute(adjust({ vehicleId: null }));
    expect(none.row(routeSummary)?.vehicleId).toBeNull();
    expect(none.state.plan).not.toHaveProperty('vehicleId');
  });

  it('counts, and shows the last with its before and after', () => {
    const last = adjust(
      { distanceM: 200_000 },
      { reasonCode: 'WEATHER', source: 'TRAFFIC_SERVICE', ...at(9) },
    );
    const row = plannedRoute(adjust({ durationS: 9_000 }), last).row(routeSummary);
    expect(row).toMatchObject({
      adjustments: 2,
      durationS: 9_000,
      distanceM: 200_000,
      lastAdjustment: {
        before: { ...before, durationS: 9_000 },
        after: { ...before, durationS: 9_000, distanceM: 200_000 },
        reasonCode: 'WEATHER',
        source: 'TRAFFIC_SERVICE',
        occurredAt: minute(9),
      },
    });
  });

  it('is refused where it changes nothing', () => {
    plannedRoute().when(adjust({})).refuses('INVALID_INPUT');
    plannedRoute()
      .when(adjust({ vehicleId: TRUCK, ...plan.plan }))
      .refuses('INVALID_INPUT');
  });

  it('is NOT_FOUND for a route that nobody planned', () => {
    given<RouteState, RouteCommand>(route)
      .when(adjust({ durationS: 1 }))
      .refuses('NOT_FOUND');
  });
});

describe('what a plan may hold', () => {
  const registry = openRegistry(routeEvents);
  const check = (changes: object) =>
    checkPayload(registry.latest('RoutePlanned'), {
      type: 'RoutePlanned',
      payload: { ...before, ...changes },
    });

  it('is taken as it is', () => {
    expect(check({})).toEqual({ payload: before });
  });

  it.each([
    ['stops', { stops: [] }],
    ['stops', { stops: numbered(...Array.from({ length: 101 }, () => berlin)) }],
    ['stops.0.longitude', { stops: numbered({ ...berlin, longitude: 181 }) }],
    ['stops.0.name', { stops: numbered({ ...berlin, name: ' ' }) }],
    ['path', { path: [[13.4, 52.5]] }],
    ['path', { path: Array.from({ length: MAX_PATH_POINTS + 1 }, () => [13.4, 52.5]) }],
    [
      'path.1.1',
      {
        path: [
          [13.4, 52.5],
          [13.4, 91],
        ],
      },
    ],
    ['distanceM', { distanceM: -1 }],
    ['vehicleId', { vehicleId: 'truck' }],
  ])('is refused in %s', (field, changes) => {
    expect(check(changes)).toMatchObject({ refused: { code: 'INVALID_INPUT', field } });
  });
});

describe('the reasons of an adjustment', () => {
  const registry = openRegistry(routeEvents);
  const fact = { type: 'RouteAdjusted', payload: { before, after: before, source: 'DRIVER' } };

  it('are a closed list, each with its code of X12 element 1651', () => {
    for (const reasonCode of ADJUST_REASON_NAMES) {
      expect(checkPayload(registry.latest('RouteAdjusted'), { ...fact, reasonCode })).toHaveProperty(
        'payload',
      );
      expect(ADJUST_REASONS[reasonCode][0]).toMatch(/^[A-Z][A-Z0-9]$/);
    }
    expect(checkPayload(registry.latest('RouteAdjusted'), { ...fact, reasonCode: 'BOREDOM' })).toMatchObject({
      refused: { code: 'INVALID_INPUT', field: 'reasonCode' },
    });
  });

  it('come from a known source', () => {
    const from = (source: string) =>
      checkPayload(registry.latest('RouteAdjusted'), { ...fact, payload: { ...fact.payload, source } });
    for (const source of ADJUST_SOURCE_NAMES) expect(from(source)).toHaveProperty('payload');
    expect(from('ORACLE')).toMatchObject({ refused: { code: 'INVALID_INPUT', field: 'source' } });
  });
});
