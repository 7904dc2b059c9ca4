import { describe, expect, it } from 'vitest';
import { vehicleCommitment } from '../../src/dispatch/commitment.ts';
import type { TenderCommand } from '../../src/tender/command.ts';
import type { TenderStatus } from '../../src/tender/state.ts';
import { minute } from '../given.ts';
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
function steps(from: TenderStatus | ReturnType<typeof tenderIn>, command: TenderCommand): string[] {
  const stream = { tenantId: 'acme', id: TENDER };
  const before = typeof from === 'string' ? tenderIn(from) : from;
  const asked = vehicleCommitment.commands.includes(command.type)
    ? vehicleCommitment.steps(before.state, command, stream, before.and(command).state)
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
    expect(steps(tenderIn('IN_TRANSIT').and(arrive(2)), complete)).toEqual(['Vehicle f1: EndTrip']);
  });

  it('cancelling and amending free the vehicle', () => {
    expect(steps('ASSIGNED', cancel)).toEqual(['Vehicle f1: ReleaseVehicle']);
    expect(steps('IN_TRANSIT', cancel)).toEqual(['Vehicle f1: EndTrip']);
    expect(steps('ASSIGNED', amend)).toEqual(['Vehicle f1: ReleaseVehicle']);
  });

  it('a departure after delivery, or of a vehicle that does not have the load, starts no trip', () => {
    expect(steps('COMPLETED', depart(2, 12))).toEqual([]);
    expect(steps('CANCELLED', depart(1, 12))).toEqual([]);
    expect(steps('ACCEPTED', depart(1, 12))).toEqual([]);
    const reassigned = tenderIn('ASSIGNED').and(amend).and(accept(acme, 10)).and(assign(OTHER_TRUCK, 20));
    expect(steps(reassigned, { ...depart(1, 21), occurredAt: minute(5) })).toEqual([]);
    expect(steps(reassigned, depart(1, 21))).toEqual(['Vehicle f2: StartTrip']);
  });

  it('a departure that is told late starts the trip of the vehicle that took over meanwhile', () => {
    const takenOver = tenderIn('ASSIGNED').and(assign(OTHER_TRUCK, 9));
    expect(steps(takenOver, { ...depart(1, 10), occurredAt: minute(8) })).toEqual(['Vehicle f2: StartTrip']);
  });

  it('a vehicle that had left with the load starts its trip when it is assigned again', () => {
    const left = tenderIn('ASSIGNED')
      .and(amend)
      .and({ ...depart(1, 10), occurredAt: minute(8) })
      .and(accept(acme, 11));
    expect(steps(left, assign(TRUCK, 12))).toEqual(['Vehicle f1: ReserveVehicle', 'Vehicle f1: StartTrip']);
  });

  it('completing without a reported departure ends the trip all the same', () => {
    expect(steps(tenderIn('ASSIGNED').and(arrive(2)), complete)).toEqual(['Vehicle f1: EndTrip']);
  });

  it('without a vehicle, nothing', () => {
    for (const command of [amend, cancel, accept(acme), arrive(1)])
      expect(steps('ACCEPTED', command)).toEqual([]);
  });
});
