import type { Step } from '../eventstore/aggregate.ts';
import type { TenderCommand } from '../tender/command.ts';
import type { TenderState } from '../tender/state.ts';
import type { TripCommand } from '../vehicle/decide.ts';
import { vehicle } from '../vehicle/vehicle.ts';

type Commitment = TripCommand['type'];

/**
 * What a tender's command asks of vehicles, in the same transaction: a vehicle refuses who is committed elsewhere, and
 * with it the whole command. So no vehicle is ever on two tenders, whoever assigns at the same moment.
 * @param tenderId the tender's id, a UUID in text form
 * @returns for `Intent.also`: the vehicles' steps, from the state before the command
 */
export function vehicleSteps(tenderId: string) {
  return (state: TenderState, command: TenderCommand): readonly Step[] => {
    const { at, occurredAt, by } = command;
    return commitments(state, command).map(([type, id]) => {
      const trip: TripCommand = { type, at, occurredAt, by, tenderId };
      return { aggregate: vehicle, id, command: trip };
    });
  };
}

/** The commands that touch vehicles; the others stay on the tender's stream. */
export function touchesVehicles({ type }: TenderCommand): boolean {
  return ['AssignTender', 'ReportDeparture', 'CompleteTender', 'CancelTender', 'AmendTender'].includes(type);
}

function commitments(state: TenderState, command: TenderCommand): readonly (readonly [Commitment, string])[] {
  if (command.type === 'AssignTender' && state.status === 'ACCEPTED') {
    return [['ReserveVehicle', command.vehicleId]];
  }
  if (!('vehicleId' in state)) return [];
  const { status, vehicleId } = state;
  const inTransit = status === 'IN_TRANSIT';
  switch (command.type) {
    case 'AssignTender':
      return [
        [inTransit ? 'EndTrip' : 'ReleaseVehicle', vehicleId],
        ['ReserveVehicle', command.vehicleId],
        ...(inTransit ? ([['StartTrip', command.vehicleId]] as const) : []),
      ];
    case 'ReportDeparture':
      return inTransit ? [] : [['StartTrip', vehicleId]];
    case 'CompleteTender':
      return [['EndTrip', vehicleId]];
    case 'AmendTender':
    case 'CancelTender':
      return [[inTransit ? 'EndTrip' : 'ReleaseVehicle', vehicleId]];
    default:
      return [];
  }
}
