import { describe, expect, it } from 'vitest';
import { VEHICLE_STATES } from '../../src/vehicle/events.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import { given } from '../given.ts';
import { change, OTHER_TENDER, registered, TENDER, trip, vehicleIn } from './cast.ts';

const reserved = () => registered(trip('ReserveVehicle'));
const departed = () => reserved().and(trip('StartTrip'));

describe('reserving a vehicle for a tender', () => {
  it('commits an available vehicle', () => {
    registered()
      .when(trip('ReserveVehicle'))
      .records({ type: 'VehicleReserved', payload: { tenderId: TENDER } });
    expect(reserved().row(fleetStatus)).toMatchObject({ state: 'reserved', tenderId: TENDER });
  });

  it('refuses one that is committed to another tender', () => {
    reserved().when(trip('ReserveVehicle', OTHER_TENDER)).refuses('VEHICLE_NOT_AVAILABLE');
    departed().when(trip('ReserveVehicle', OTHER_TENDER)).refuses('VEHICLE_NOT_AVAILABLE');
  });

  it('records nothing when it is committed to this tender already', () => {
    reserved().when(trip('ReserveVehicle')).records();
  });

  it.each(VEHICLE_STATES.filter((state) => state !== 'available'))(
    'refuses a vehicle that is %s',
    (state) => {
      vehicleIn(state).when(trip('ReserveVehicle')).refuses('VEHICLE_NOT_AVAILABLE');
    },
  );
});

describe('a trip', () => {
  it('starts with the tender that the vehicle is committed to', () => {
    reserved()
      .when(trip('StartTrip'))
      .records({ type: 'TripStarted', payload: { tenderId: TENDER } });
    reserved().when(trip('StartTrip', OTHER_TENDER)).refuses('INVALID_TRANSITION');
    registered().when(trip('StartTrip')).refuses('INVALID_TRANSITION');
    expect(departed().row(fleetStatus)).toMatchObject({ state: 'on_trip', tenderId: TENDER });
  });

  it('starts once', () => {
    departed().when(trip('StartTrip')).records();
  });

  it('ends with the vehicle available and free', () => {
    departed()
      .when(trip('EndTrip'))
      .records({ type: 'TripEnded', payload: { tenderId: TENDER } });
    expect(departed().and(trip('EndTrip')).row(fleetStatus)).toMatchObject({
      state: 'available',
      tenderId: null,
    });
    departed().when(trip('EndTrip', OTHER_TENDER)).refuses('INVALID_TRANSITION');
  });

  it('ends for a vehicle that stopped, and for one that never departed', () => {
    expect(departed().and(change('stopped')).and(trip('EndTrip')).state.state).toBe('available');
    expect(reserved().and(trip('EndTrip')).state.state).toBe('available');
  });

  it('leaves a vehicle out of contact out of contact, but free', () => {
    const { state } = departed().and(change('non_contactable')).and(trip('EndTrip'));
    expect(state).toMatchObject({ state: 'non_contactable', tenderId: null });
  });
});

describe('releasing a vehicle', () => {
  it('frees it from the tender it is committed to', () => {
    reserved()
      .when(trip('ReleaseVehicle'))
      .records({ type: 'VehicleReleased', payload: { tenderId: TENDER } });
    expect(reserved().and(trip('ReleaseVehicle')).row(fleetStatus)).toMatchObject({
      state: 'available',
      tenderId: null,
    });
  });

  it('lets it be reserved for another', () => {
    expect(
      reserved().and(trip('ReleaseVehicle')).and(trip('ReserveVehicle', OTHER_TENDER)).state.tenderId,
    ).toBe(OTHER_TENDER);
  });

  it('is refused for another tender', () => {
    reserved().when(trip('ReleaseVehicle', OTHER_TENDER)).refuses('INVALID_TRANSITION');
  });
});

describe('changing the state of a committed vehicle', () => {
  it.each(['available', 'removed'] as const)('refuses %s', (to) => {
    reserved().and(change('non_contactable')).when(change(to)).refuses('VEHICLE_COMMITTED');
    departed().and(change('non_contactable')).when(change(to)).refuses('VEHICLE_COMMITTED');
  });

  it('refuses available from reserved and from on_trip', () => {
    reserved().when(change('available')).refuses('VEHICLE_COMMITTED');
    departed().when(change('available')).refuses('VEHICLE_COMMITTED');
  });

  it('refuses reserved once it has departed', () => {
    departed().and(change('elsewhere')).when(change('reserved')).refuses('VEHICLE_COMMITTED');
  });

  it('lets one that was lost before it departed come back as reserved', () => {
    const { state } = reserved().and(change('non_contactable')).and(change('reserved', 'comms_restored'));
    expect(state).toMatchObject({ state: 'reserved', tenderId: TENDER });
  });

  it('keeps the commitment through stops and lost contact', () => {
    const { state } = departed().and(change('stopped')).and(change('non_contactable')).and(change('on_trip'));
    expect(state).toMatchObject({ state: 'on_trip', tenderId: TENDER });
  });
});

describe('a vehicle that nobody registered', () => {
  it.each(['ReserveVehicle', 'ReleaseVehicle', 'StartTrip', 'EndTrip'] as const)(
    '%s is NOT_FOUND',
    (type) => {
      given(vehicle).when(trip(type)).refuses('NOT_FOUND');
    },
  );

  it('has no state to change', () => {
    given(vehicle).when(change('available')).refuses('NOT_FOUND');
  });
});
