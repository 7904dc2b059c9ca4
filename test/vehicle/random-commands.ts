import fc from 'fast-check';
import type { VehicleCommand } from '../../src/vehicle/decide.ts';
import type { ClaimLicensePlate } from '../../src/vehicle/plate.ts';
import { type CommandsOfAKind, someId } from '../random-commands.ts';

const fix = fc.record(
  {
    longitude: fc.integer({ min: 1, max: 9 }),
    latitude: fc.constant(50),
    deviceId: fc.constantFrom('phone', 'tracker'),
    accuracyM: fc.constantFrom(3, 30),
  },
  { requiredKeys: ['longitude', 'latitude'] },
);

const Vehicle: CommandsOfAKind<VehicleCommand> = {
  first: fc.constant({ type: 'RegisterVehicle', licensePlate: 'ABC-123' }),
  further: fc.oneof(
    {
      weight: 4,
      arbitrary: fix.map((taken) => ({ type: 'TrackLocation', fix: taken, keyed: true }) as const),
    },
    {
      weight: 2,
      arbitrary: fc
        .record({ fixId: someId, number: fc.integer({ min: 1, max: 3 }), recorded: fix, fix })
        .map((asked) => ({ type: 'CorrectLocation', reasonCode: 'OTHER', ...asked }) as const),
    },
    fc
      .constantFrom('available', 'non_contactable', 'missing', 'elsewhere', 'removed')
      .map((to) => ({ type: 'ChangeVehicleState', to }) as const),
    fc
      .tuple(fc.constantFrom('ReserveVehicle', 'ReleaseVehicle', 'StartTrip', 'EndTrip'), someId)
      .map(([type, tenderId]) => ({ type, tenderId })),
  ),
};

const claim = someId.map(
  (vehicleId) => ({ type: 'ClaimLicensePlate', licensePlate: 'ABC-123', vehicleId }) as const,
);
const LicensePlate: CommandsOfAKind<ClaimLicensePlate> = { first: claim, further: claim };

export const COMMANDS = { Vehicle, LicensePlate };
