import { describe, expect, it } from 'vitest';
import { vehicleCommitment } from '../../src/dispatch/commitment.ts';
import type { TenderCommand } from '../../src/tender/command.ts';
import type { TenderStatus } from '../../src/tender/state.ts';
import {
  accept,
  acme,
  arrive,
  assign,
  at,
  cancel,
  complete,
  depart,
  OTHER_TRUCK,
  TRUCK,
  tenderIn,
} from '../tender/cast.ts';

const TENDER = '019503a0-0000-7000-8000-0000000000aa';
const amend: TenderCommand = { type: 'AmendTender', changes: { weightKg: 5 }, ...at(9) };

/** What a command asks of which vehicle, as `ReserveVehicle f1`. */
function steps(status: TenderStatus, command: TenderCommand): string[] {
  const stream = { tenantId: 'acme', id: TENDER };
  const asked = vehicleCommitment.commands.includes(command.type)
    ? vehicleCommitment.steps(tenderIn(status).state, command, stream)
    : [];
  for (const step of asked)
    expect(step.command).toMatchObject({ tenderId: TENDER, by: command.by, at: command.at });
  return asked.map(({ aggregate, id, command: { type } }) => `${aggregate.type} ${id.slice(-2)}: ${type}`);
}

describe('what a tender asks of vehicles', () => {
  it('assigning reserves one', () => {
    expect(steps('ACCEPTED', assign(TRUCK))).toEqual(['Vehicle f1: ReserveVehicle']);
  });

  it('reassigning frees the one and reserves the other', () => {
    expect(steps('ASSIGNED', assign(OTHER_TRUCK))).toEqual([
      'Vehicle f1: ReleaseVehicle',
      'Vehicle f2: ReserveVehicle',
    ]);
  });

  it('reassigning in transit ends one trip and starts the other', () => {
    expect(steps('IN_TRANSIT', assign(OTHER_TRUCK))).toEqual([
      'Vehicle f1: EndTrip',
      'Vehicle f2: ReserveVehicle',
      'Vehicle f2: StartTrip',
    ]);
  });

  it('the first departure starts the trip, a later one does not', () => {
    expect(steps('ASSIGNED', depart(1))).toEqual(['Vehicle f1: StartTrip']);
    expect(steps('IN_TRANSIT', depart(2))).toEqual([]);
  });

  it('completing ends the trip', () => {
    expect(steps('IN_TRANSIT', complete)).toEqual(['Vehicle f1: EndTrip']);
  });

  it('cancelling and amending free the vehicle', () => {
    expect(steps('ASSIGNED', cancel)).toEqual(['Vehicle f1: ReleaseVehicle']);
    expect(steps('IN_TRANSIT', cancel)).toEqual(['Vehicle f1: EndTrip']);
    expect(steps('ASSIGNED', amend)).toEqual(['Vehicle f1: ReleaseVehicle']);
  });

  it('without a vehicle, nothing', () => {
    for (const command of [amend, cancel, accept(acme), arrive(1)])
      expect(steps('ACCEPTED', command)).toEqual([]);
  });
});
