import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handle } from '../../src/eventstore/command/handle.ts';
import { handleMany } from '../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import { newId } from '../../src/eventstore/ids.ts';
import type { TenderCommand } from '../../src/tender/command.ts';
import { tender } from '../../src/tender/tender.ts';
import type { VehicleCommand } from '../../src/vehicle/decide.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import {
  acceptedTender,
  now,
  openWholeStore,
  play,
  refusals,
  registeredVehicle,
  TENANT,
  tell,
  tenderRow,
  typesOf,
} from './stage.ts';

let database: TestDatabase;
let store: Store;
let other: Store;

beforeAll(async () => {
  database = await openDatabase();
  store = await openWholeStore(database);
  other = await openWholeStore(database);
});
afterAll(() => database.close());

const assign = (vehicleId: string): TenderCommand => ({ type: 'AssignTender', vehicleId, ...now() });
const depart = (): TenderCommand => ({ type: 'ReportDeparture', stopSequence: 1, ...now() });
const arrive = (): TenderCommand => ({ type: 'ReportArrival', stopSequence: 2, ...now() });
const complete = (): TenderCommand => ({ type: 'CompleteTender', ...now() });
const cancel = (): TenderCommand => ({ type: 'CancelTender', reasonCode: 'OTHER', ...now() });

describe('a caller who knows nothing of vehicles', () => {
  const intent = (id: string, command: TenderCommand) => {
    return { tenantId: TENANT, aggregate: tender, id, command, input: command, origin: 'test' };
  };

  it('reserves the vehicle all the same, alone and among many', async () => {
    const [truck, bus] = [await registeredVehicle(store), await registeredVehicle(store)];
    const tenders = await Promise.all([1, 2, 3].map(() => acceptedTender(store)));
    const [first = '', second = '', third = ''] = tenders;
    expect(refusals([await handle(store, intent(first, assign(truck)))])).toEqual([]);
    const outcomes = await handleMany(store, [intent(second, assign(truck)), intent(third, assign(bus))]);
    expect(refusals(outcomes)).toEqual(['VEHICLE_NOT_AVAILABLE']);
    expect(await typesOf(store, truck)).toEqual(['VehicleRegistered', 'VehicleReserved']);
    expect(await typesOf(store, bus)).toEqual(['VehicleRegistered', 'VehicleReserved']);
  });

  it('cannot register a plate twice', async () => {
    const register = (): VehicleCommand => ({ type: 'RegisterVehicle', licensePlate: 'TWICE 1', ...now() });
    const give = () => {
      const intent = { tenantId: TENANT, aggregate: vehicle, command: register(), input: {}, origin: 'test' };
      return handle(store, { ...intent, id: newId() });
    };
    expect(refusals([await give()])).toEqual([]);
    expect(refusals([await give()])).toEqual(['LICENSE_PLATE_TAKEN']);
  });
});

describe('one vehicle for several tenders', () => {
  it('goes to one of those that ask for it at once, in two processes', async () => {
    const truck = await registeredVehicle(store);
    const tenders = await Promise.all([1, 2, 3, 4, 5, 6].map(() => acceptedTender(store)));
    const outcomes = await Promise.all(
      tenders.map((id, index) => tell(index % 2 === 0 ? store : other, id, assign(truck))),
    );
    expect(refusals(outcomes)).toEqual(Array.from({ length: 5 }, () => 'VEHICLE_NOT_AVAILABLE'));
    const rows = await Promise.all(tenders.map((id) => tenderRow(store, id)));
    expect(rows.map((row) => row?.status).sort()).toEqual([
      ...Array.from({ length: 5 }, () => 'ACCEPTED'),
      'ASSIGNED',
    ]);
    expect(await typesOf(store, truck)).toEqual(['VehicleRegistered', 'VehicleReserved']);
  });

  it('is refused while it is in transit with another, and free once that is delivered', async () => {
    const truck = await registeredVehicle(store);
    const [first, second] = [await acceptedTender(store), await acceptedTender(store)];
    await play(store, first, assign(truck), depart());
    expect(refusals([await tell(store, second, assign(truck))])).toEqual(['VEHICLE_NOT_AVAILABLE']);
    await play(store, first, arrive(), complete());
    await play(store, second, assign(truck));
    expect((await tenderRow(store, second))?.vehicleId).toBe(truck);
    expect(await typesOf(store, truck)).toEqual([
      'VehicleRegistered',
      'VehicleReserved',
      'TripStarted',
      'TripEnded',
      'VehicleReserved',
    ]);
  });
});

describe('a vehicle that takes over', () => {
  it('in transit, ends the one trip and starts the other, in one stroke', async () => {
    const [truck, spare] = [await registeredVehicle(store), await registeredVehicle(store)];
    const id = await acceptedTender(store);
    await play(store, id, assign(truck), depart(), assign(spare));
    expect(await tenderRow(store, id)).toMatchObject({ status: 'IN_TRANSIT', vehicleId: spare });
    expect((await typesOf(store, truck)).at(-1)).toBe('TripEnded');
    expect(await typesOf(store, spare)).toEqual(['VehicleRegistered', 'VehicleReserved', 'TripStarted']);
  });

  it('when it is taken, leaves everything as it was', async () => {
    const [truck, taken] = [await registeredVehicle(store), await registeredVehicle(store)];
    const [id, neighbour] = [await acceptedTender(store), await acceptedTender(store)];
    await play(store, id, assign(truck));
    await play(store, neighbour, assign(taken));
    expect(refusals([await tell(store, id, assign(taken))])).toEqual(['VEHICLE_NOT_AVAILABLE']);
    expect((await tenderRow(store, id))?.vehicleId).toBe(truck);
    expect(await typesOf(store, truck)).toEqual(['VehicleRegistered', 'VehicleReserved']);
  });
});

describe('T-02 a departure that is told while another vehicle takes over, in another process', () => {
  it('leaves one vehicle on its trip, and the other free, whichever comes first', async () => {
    for (const told of ['now', 'late']) {
      const [truck, spare] = [await registeredVehicle(store), await registeredVehicle(store)];
      const id = await acceptedTender(store);
      await play(store, id, assign(truck));
      const seen = told === 'now' ? depart() : { ...depart(), occurredAt: new Date(Date.now() - 30_000) };
      const outcomes = await Promise.all([tell(store, id, assign(spare)), tell(other, id, seen)]);
      expect(refusals(outcomes)).toEqual([]);
      expect(await tenderRow(store, id)).toMatchObject({ status: 'IN_TRANSIT', vehicleId: spare });
      expect((await typesOf(store, spare)).at(-1)).toBe('TripStarted');
      expect(['TripEnded', 'VehicleReleased']).toContain((await typesOf(store, truck)).at(-1));
      await play(store, id, arrive(), complete(), depart());
      expect((await typesOf(store, spare)).at(-1)).toBe('TripEnded');
    }
  });
});

describe('a tender that ends early', () => {
  it('frees its vehicle', async () => {
    const truck = await registeredVehicle(store);
    for (const before of [[], [depart()]]) {
      const id = await acceptedTender(store);
      await play(store, id, assign(truck), ...before, cancel());
      expect(await tenderRow(store, id)).not.toHaveProperty('vehicleId');
    }
    expect((await typesOf(store, truck)).slice(1)).toEqual([
      'VehicleReserved',
      'VehicleReleased',
      'VehicleReserved',
      'TripStarted',
      'TripEnded',
    ]);
  });
});

describe('a vehicle that does not exist', () => {
  it('cannot be assigned', async () => {
    const id = await acceptedTender(store);
    const nobody = '019503a0-0000-7000-8000-0000000000ff';
    expect(refusals([await tell(store, id, assign(nobody))])).toEqual(['NOT_FOUND']);
    expect((await tenderRow(store, id))?.status).toBe('ACCEPTED');
  });
});
