import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';

const PLAN = `stops { sequence name longitude latitude plannedArrival } path { longitude latitude } distanceM durationS vehicle { licensePlate }`;
const ROUTE = `id name fleetId tenderId adjustments ${PLAN} lastEvent { type }
  lastAdjustment { reasonCode source occurredAt before { ${PLAN} } after { ${PLAN} } }`;
const RESULT = `
  __typename
  ... on Refusal { code message }
  ... on InvalidInput { field }
  ... on RoutePayload { repeated events { type sequence reasonCode } route { ${ROUTE} } }
`;
const PLAN_ROUTE = `mutation ($input: PlanRouteInput!) { result: planRoute(input: $input) { ${RESULT} } }`;
const ADJUST_ROUTE = `mutation ($input: AdjustRouteInput!) { result: adjustRoute(input: $input) { ${RESULT} } }`;
const BY = `query ($id: ID!, $asOf: DateTime, $knownAt: DateTime) { route(id: $id, asOf: $asOf, knownAt: $knownAt) { ${ROUTE} } }`;
const LIST = `query ($filter: RouteFilter, $first: Int, $after: String) {
  routes(filter: $filter, first: $first, after: $after) { edges { node { id name } } pageInfo { hasNextPage endCursor } }
}`;

const berlin = { name: 'Berlin', longitude: 13.4, latitude: 52.5 };
const leipzig = {
  name: 'Leipzig',
  longitude: 12.37,
  latitude: 51.34,
  plannedArrival: '2026-03-01T12:00:00.000Z',
};
const line = [berlin, leipzig].map(({ longitude, latitude }) => ({ longitude, latitude }));

let gateway: TestGateway;
let vehicleId: string;
beforeAll(async () => {
  gateway = await startGateway();
  const { result } = await gateway.data(
    'mutation { result: registerVehicle(input: { licensePlate: "ROUTE-1" }) { ... on VehiclePayload { vehicle { id } } } }',
  );
  vehicleId = result.vehicle.id;
});
afterAll(() => gateway.close());

async function plan(input: object, token?: string): Promise<Data> {
  return (await gateway.data(PLAN_ROUTE, { input: { stops: [berlin, leipzig], ...input } }, token)).result;
}

async function adjust(input: object, token?: string): Promise<Data> {
  return (await gateway.data(ADJUST_ROUTE, { input: { reasonCode: 'TRAFFIC', ...input } }, token)).result;
}

describe('a route', () => {
  it('is not planned in the future', async () => {
    const refused = await plan({ stops: [berlin, leipzig], occurredAt: '2126-01-01T00:00:00Z' });
    expect(refused).toMatchObject({ code: 'FROM_THE_FUTURE', field: 'occurredAt' });
  });

  it('is planned, and read as it was written', async () => {
    const { route, repeated, events } = await plan({
      vehicleId,
      name: 'Monday',
      path: line,
      distanceM: 190_000,
    });
    expect(repeated).toBe(false);
    expect(events).toEqual([{ type: 'RoutePlanned', sequence: 1, reasonCode: null }]);
    expect(route).toMatchObject({
      name: 'Monday',
      adjustments: 0,
      lastAdjustment: null,
      vehicle: { licensePlate: 'ROUTE-1' },
      stops: [
        { sequence: 1, ...berlin, plannedArrival: null },
        { sequence: 2, ...leipzig },
      ],
      path: line,
      distanceM: 190_000,
      durationS: null,
    });
    expect((await gateway.data(BY, { id: route.id })).route).toEqual(route);
    const { node } = await gateway.data('query ($id: ID!) { node(id: $id) { id } }', { id: route.id });
    expect(node.id).toBe(route.id);
  });

  it('adjusted with the key of another adjustment is refused, if all that differs is that one clears', async () => {
    const { route } = await plan({ vehicleId, distanceM: 190_000 });
    const about = { routeId: route.id, durationS: 60 };
    await adjust({ ...about, idempotencyKey: 'leaves' });
    await adjust({ ...about, durationS: 70, distanceM: null, idempotencyKey: 'clears' });
    const reused = { code: 'IDEMPOTENCY_KEY_REUSED' };
    expect(await adjust({ ...about, vehicleId: null, idempotencyKey: 'leaves' })).toMatchObject(reused);
    expect(await adjust({ ...about, durationS: 70, idempotencyKey: 'clears' })).toMatchObject(reused);
    const other = { vehicleId: null, durationS: 70, idempotencyKey: 'clears' };
    expect(await adjust({ ...about, ...other })).toMatchObject(reused);
    const repeated = { repeated: true };
    expect(await adjust({ ...about, idempotencyKey: 'leaves' })).toMatchObject(repeated);
    const again = { durationS: 70, distanceM: null, idempotencyKey: 'clears' };
    expect(await adjust({ ...about, ...again })).toMatchObject(repeated);
  });

  it('adjusted before a process could tell null from nothing is still recognised when it is asked again', async () => {
    const { route } = await plan({ vehicleId, distanceM: 190_000 });
    const asked = { routeId: route.id, distanceM: null, idempotencyKey: 'older' };
    await adjust(asked);
    await gateway.database.db
      .collection('events')
      .updateMany({ 'metadata.commandNulls': { $exists: true } }, { $unset: { 'metadata.commandNulls': 1 } });
    expect(await adjust(asked)).toMatchObject({ repeated: true });
  });

  it('repeated with its key is the first result', async () => {
    const first = await plan({ name: 'Once', idempotencyKey: 'plan once' });
    const again = await plan({ name: 'Once', idempotencyKey: 'plan once' });
    expect(again).toMatchObject({ repeated: true, route: { id: first.route.id } });
    expect(await plan({ name: 'Twice', idempotencyKey: 'plan once' })).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  it('is adjusted with before, after, source and reason', async () => {
    const { route } = await plan({ vehicleId, path: line, distanceM: 190_000 });
    const potsdam = { name: 'Potsdam', longitude: 13.06, latitude: 52.39 };
    const input = { routeId: route.id, stops: [berlin, potsdam, leipzig], source: 'TELEMATICS' };
    const adjusted = await adjust({ ...input, idempotencyKey: 'by Potsdam' });
    expect(adjusted.events).toEqual([{ type: 'RouteAdjusted', sequence: 2, reasonCode: 'TRAFFIC' }]);
    expect(adjusted.route).toMatchObject({ adjustments: 1, path: null, distanceM: null });
    expect(adjusted.route.stops.map((stop: Data) => stop.name)).toEqual(['Berlin', 'Potsdam', 'Leipzig']);
    expect(adjusted.route.lastAdjustment).toMatchObject({
      reasonCode: 'TRAFFIC',
      source: 'TELEMATICS',
      before: { distanceM: 190_000, path: line },
      after: { distanceM: null, stops: [{ name: 'Berlin' }, { name: 'Potsdam' }, { name: 'Leipzig' }] },
    });
    expect(await adjust({ ...input, idempotencyKey: 'by Potsdam' })).toMatchObject({ repeated: true });
    expect(await adjust(input)).toMatchObject({ code: 'INVALID_INPUT' });
    const cleared = await adjust({ routeId: route.id, vehicleId: null, reasonCode: 'MECHANICAL_BREAKDOWN' });
    expect(cleared.route).toMatchObject({ vehicle: null, adjustments: 2 });
    expect(cleared.route.lastAdjustment.source).toBe('DISPATCHER');
  });

  it('is shown as it was', async () => {
    const { route } = await plan({ name: 'Past', durationS: 1, occurredAt: '2026-01-01T08:00:00Z' });
    await adjust({ routeId: route.id, durationS: 2, occurredAt: '2026-01-01T10:00:00Z' });
    const durationAt = async (asOf: string) =>
      (await gateway.data(BY, { id: route.id, asOf })).route?.durationS;
    expect(await durationAt('2026-01-01T09:59:59Z')).toBe(1);
    expect(await durationAt('2026-01-01T10:00:00Z')).toBe(2);
    expect(await durationAt('2026-01-01T07:59:59Z')).toBeUndefined();
  });

  it.each([
    ['NOT_FOUND', 'planRoute of a vehicle that is not there', () => plan({ vehicleId: 'vehicle_x' })],
    ['INVALID_INPUT', 'planRoute without stops', () => plan({ stops: [] })],
    ['INVALID_INPUT', 'planRoute to nowhere', () => plan({ stops: [{ ...berlin, latitude: 91 }] })],
    ['INVALID_INPUT', 'planRoute with an id that is none', () => plan({ id: 'route' })],
    [
      'NOT_FOUND',
      'adjustRoute of a route that is not there',
      () => adjust({ routeId: 'route_x', distanceM: 1 }),
    ],
  ])('refuses with %s: %s', async (code, _, ask) => {
    expect(await ask()).toMatchObject({ code });
  });

  it('is planned and adjusted by dispatchers, admins and the system', async () => {
    const { route } = await plan({});
    for (const role of ['driver', 'carrier', 'rider'] as const) {
      const token = await gateway.token({ role, carrierId: 'ACME' });
      expect(await plan({}, token)).toMatchObject({ code: 'FORBIDDEN' });
      expect(await adjust({ routeId: route.id, distanceM: 1 }, token)).toMatchObject({ code: 'FORBIDDEN' });
    }
    const carrier = await gateway.token({ role: 'carrier', carrierId: 'ACME' });
    const { errors } = await gateway.graphql(BY, { id: route.id }, carrier);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
    const { node } = await gateway.data(
      'query ($id: ID!) { node(id: $id) { id } }',
      { id: route.id },
      carrier,
    );
    expect(node).toBeNull();
    const driver = await gateway.token({ role: 'driver' });
    expect((await gateway.data(BY, { id: route.id }, driver)).route.id).toBe(route.id);
    const stranger = await gateway.token({ tenant: 'other' });
    expect((await gateway.data(BY, { id: route.id }, stranger)).route).toBeNull();
    expect(await adjust({ routeId: route.id, distanceM: 1 }, stranger)).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('lists of routes', () => {
  it('are filtered and come page by page', async () => {
    const planned: string[] = [];
    for (let n = 0; n < 5; n += 1) planned.push((await plan({ fleetId: 'paged', name: `${n}` })).route.id);
    const seen: string[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const { routes } = await gateway.data(LIST, { filter: { fleetId: ['paged'] }, first: 2, after });
      seen.push(...routes.edges.map(({ node }: Data) => node.id));
      more = routes.pageInfo.hasNextPage;
      after = routes.pageInfo.endCursor;
    }
    expect(seen).toEqual(planned);
    const names = async (filter: object) =>
      (await gateway.data(LIST, { filter })).routes.edges.map(({ node }: Data) => node.name);
    expect(await names({ ids: [planned[3]] })).toEqual(['3']);
    expect(await names({ ids: ['route_x'] })).toEqual([]);
    expect(await names({ vehicleId: [vehicleId] })).toContain('Monday');
    expect(await names({ fleetId: ['paged'], vehicleId: [vehicleId] })).toEqual([]);
  });
});
