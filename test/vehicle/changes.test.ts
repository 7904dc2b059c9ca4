import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { collect } from '../items.ts';
import { REGISTER, TRACK } from './documents.ts';

const CHANGES = `subscription ($filter: VehicleFilter, $after: String, $maxPerSecond: Float) {
  vehicleChanges(filter: $filter, after: $after, maxPerSecond: $maxPerSecond) {
    __typename
    ... on Change { cursor }
    ... on VehiclesSnapshot { complete vehicles { id } }
    ... on VehiclesMoved { vehicles { id licensePlate position { longitude } lastEvent { type } } }
    ... on VehiclesLeft { ids }
  }
}`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

async function register(licensePlate: string): Promise<string> {
  return (await gateway.data(REGISTER, { input: { licensePlate } })).result.vehicle.id;
}

async function track(vehicleId: string, longitude: number): Promise<void> {
  await gateway.data(TRACK, { input: { vehicleId, longitude, latitude: -17 } });
}

async function subscribe(variables: object) {
  const items = collect(
    gateway.socket(await gateway.token()).iterate({ query: CHANGES, variables: { ...variables } }),
    'vehicleChanges',
  );
  return items;
}

const moved = (id: string, longitude: number) => (item: Data) =>
  item.vehicles?.some((vehicle: Data) => vehicle.id === id && vehicle.position?.longitude === longitude);

describe('watching a box over the 180th meridian', () => {
  it('shows vehicles come in on either side, move, and leave', async () => {
    const [inside, outside] = [await register('BOX-1'), await register('BOX-2')];
    const items = await subscribe({ filter: { within: { west: 176, south: -20, east: -178, north: -15 } } });
    await items.until((item) => item.complete);
    await track(outside, 170);
    await track(inside, 177);
    await items.until(moved(inside, 177));
    await track(inside, -179);
    const frame = await items.until(moved(inside, -179));
    expect(frame.vehicles[0]).toMatchObject({
      licensePlate: 'BOX-1',
      lastEvent: { type: 'LocationTracked' },
    });
    await track(inside, -170);
    await items.until((item) => item.ids?.includes(inside));
    await track(outside, 180);
    await items.until(moved(outside, 180));
    items.stop();
    const seen = items.all.flatMap((item) => item.vehicles ?? []);
    expect(seen.some((vehicle: Data) => [170, -170].includes(vehicle.position?.longitude))).toBe(false);
  });
});

describe('a subscription to vehicles that cannot be honoured', () => {
  it.each([
    ['INVALID_CURSOR', { after: 'somewhere' }],
    ['INVALID_INPUT', { maxPerSecond: 0 }],
    ['INVALID_INPUT', { maxPerSecond: -1 }],
    ['INVALID_INPUT', { maxPerSecond: 61 }],
    ['INVALID_INPUT', { filter: { within: { west: 0, south: 0, east: 200, north: 1 } } }],
  ])('is refused with %s: %o', async (code, variables) => {
    const items = await subscribe(variables);
    await expect.poll(() => JSON.stringify(items.end?.error, errorText)).toContain(code);
  });

  it('is FORBIDDEN to carriers', async () => {
    const token = await gateway.token({ role: 'carrier', carrierId: 'ACME' });
    const items = collect(gateway.socket(token).iterate({ query: CHANGES }), 'vehicleChanges');
    await expect.poll(() => JSON.stringify(items.end?.error, errorText)).toContain('FORBIDDEN');
  });
});

/** Errors as their own text; they have no JSON. */
function errorText(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}
