import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { BY, CHANGE, REGISTER } from './documents.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

async function register(input: object, token?: string): Promise<Data> {
  return (await gateway.data(REGISTER, { input }, token)).result;
}

describe('V-01 registering a vehicle', () => {
  it('makes it available under its plate, and found by it at once', async () => {
    const { vehicle, repeated, events } = await register({ licensePlate: ' reg-1 ', fleetId: 'north' });
    expect(vehicle).toMatchObject({
      licensePlate: 'REG-1',
      fleetId: 'north',
      state: 'available',
      position: null,
    });
    expect(vehicle.id).toMatch(/^vehicle_[0-9a-f-]{36}$/);
    expect(repeated).toBe(false);
    expect(events.map((event: Data) => event.type)).toEqual(['VehicleRegistered', 'LicensePlateClaimed']);
    for (const name of [
      { licensePlate: 'Reg 1' },
      { id: vehicle.id },
      { id: vehicle.id.replace('vehicle_', '') },
    ]) {
      expect((await gateway.data(BY, name)).vehicle).toMatchObject({ id: vehicle.id });
    }
  });

  it('does not happen in the future', async () => {
    const input = { licensePlate: 'REG-FUTURE', occurredAt: '2126-01-01T00:00:00Z' };
    expect(await register(input)).toMatchObject({ code: 'FROM_THE_FUTURE', field: 'occurredAt' });
  });

  it('gives a plate to one of many who ask for it at the same moment', async () => {
    const results = await Promise.all(
      Array.from({ length: 24 }, (_, index) =>
        register({ licensePlate: index % 2 === 0 ? 'RACE-1' : 'race 1' }),
      ),
    );
    const won = results.filter((result) => result.__typename === 'VehiclePayload');
    expect(won).toHaveLength(1);
    const lost = results.filter((result) => result.code === 'LICENSE_PLATE_TAKEN');
    expect(lost).toHaveLength(23);
    expect((await gateway.data(BY, { licensePlate: 'RACE-1' })).vehicle.id).toBe(won[0].vehicle.id);
    const claims = { type: 'LicensePlateClaimed', 'payload.licensePlate': { $in: ['RACE-1', 'RACE 1'] } };
    expect(await gateway.store.events.countDocuments(claims)).toBe(1);
  });

  it('repeated with its key is the first result', async () => {
    const input = { licensePlate: 'KEY-1', idempotencyKey: 'register KEY-1' };
    const results = await Promise.all(Array.from({ length: 8 }, () => register(input)));
    expect(new Set(results.map((result) => result.vehicle.id)).size).toBe(1);
    expect(results.filter((result) => !result.repeated)).toHaveLength(1);
    expect(await register({ ...input, fleetId: 'south' })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('takes an id of the client, once', async () => {
    const id = '019503a0-0000-7000-8000-0000000000a1';
    expect((await register({ id, licensePlate: 'OWN-1' })).vehicle.id).toBe(`vehicle_${id}`);
    expect(await register({ id, licensePlate: 'OWN-2' })).toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await register({ id: 'mine', licensePlate: 'OWN-3' })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'id',
    });
    // The plate of a refused registration is free.
    expect((await register({ licensePlate: 'OWN-2' })).__typename).toBe('VehiclePayload');
  });

  it('refuses what is no plate', async () => {
    for (const licensePlate of ['', '  ', '-', 'X'.repeat(33)]) {
      expect(await register({ licensePlate })).toMatchObject({
        code: 'INVALID_INPUT',
        field: 'licensePlate',
      });
    }
  });

  it('is for dispatchers, admins and the system', async () => {
    for (const role of ['driver', 'carrier', 'rider', 'showroom', 'battery_op'] as const) {
      const token = await gateway.token({ role, carrierId: 'ACME' });
      expect(await register({ licensePlate: `ROLE ${role}` }, token)).toMatchObject({ code: 'FORBIDDEN' });
    }
    const admin = await gateway.token({ role: 'admin' });
    expect((await register({ licensePlate: 'ROLE-1' }, admin)).__typename).toBe('VehiclePayload');
  });

  it('keeps tenants apart: the same plate is free in another', async () => {
    const other = await gateway.token({ tenant: 'other' });
    const mine = await register({ licensePlate: 'TWO-1' });
    const theirs = await register({ licensePlate: 'TWO-1' }, other);
    expect(theirs.vehicle.id).not.toBe(mine.vehicle.id);
    expect((await gateway.data(BY, { id: mine.vehicle.id }, other)).vehicle).toBeNull();
    expect((await gateway.data(BY, { licensePlate: 'TWO-1' }, other)).vehicle.id).toBe(theirs.vehicle.id);
  });
});

describe('asking for a vehicle', () => {
  it.each([[{}], [{ id: 'vehicle_019503a0-0000-7000-8000-0000000000a1', licensePlate: 'OWN-1' }]])(
    'by %o is INVALID_INPUT: exactly one of id and plate is needed',
    async (name) => {
      const { errors } = await gateway.graphql(BY, name);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT' });
    },
  );

  it.each([
    [{ id: 'vehicle_x' }],
    [{ licensePlate: 'NOBODY' }],
    [{ id: '019503a0-0000-7000-8000-00000000ffff' }],
  ])('by %o is null: there is none', async (name) => {
    expect((await gateway.data(BY, name)).vehicle).toBeNull();
  });

  it('is FORBIDDEN to carriers, and `node` shows them none', async () => {
    const token = await gateway.token({ role: 'carrier', carrierId: 'ACME' });
    const { errors } = await gateway.graphql(BY, { licensePlate: 'REG-1' }, token);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
    const { vehicle } = await gateway.data(BY, { licensePlate: 'REG-1' });
    const node = await gateway.data(`query ($id: ID!) { node(id: $id) { id } }`, { id: vehicle.id }, token);
    expect(node.node).toBeNull();
  });
});

describe("changing a vehicle's state", () => {
  const change = async (input: object, token?: string): Promise<Data> =>
    (await gateway.data(CHANGE, { input }, token)).result;

  it('follows the table of MDS, by plate or by id', async () => {
    await register({ licensePlate: 'STATE-1' });
    const driver = await gateway.token({ role: 'driver' });
    const low = await change(
      { licensePlate: 'STATE-1', state: 'non_operational', reasonCode: 'battery_low' },
      driver,
    );
    expect(low.vehicle).toMatchObject({
      state: 'non_operational',
      lastEvent: { type: 'VehicleStateChanged' },
    });
    const { id } = low.vehicle;
    expect(await change({ vehicleId: id, state: 'on_trip' })).toMatchObject({ code: 'INVALID_TRANSITION' });
    expect(await change({ vehicleId: id, licensePlate: 'STATE-1', state: 'available' })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'vehicleId',
    });
    expect(await change({ licensePlate: 'NOBODY', state: 'available' })).toMatchObject({ code: 'NOT_FOUND' });
    const carrier = await gateway.token({ role: 'carrier', carrierId: 'ACME' });
    expect(await change({ vehicleId: id, state: 'available' }, carrier)).toMatchObject({ code: 'FORBIDDEN' });
  });
});
