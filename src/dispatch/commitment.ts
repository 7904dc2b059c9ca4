import type { Step, Workflow } from '../eventstore/aggregate.ts';
import type { TenderCommand } from '../tender/command.ts';
import type { TenderState } from '../tender/state.ts';
import { tender } from '../tender/tender.ts';
import type { TripCommand } from '../vehicle/decide.ts';
import { vehicle } from '../vehicle/vehicle.ts';

type Commitment = TripCommand['type'];

/**
 * What a tender's commands ask of vehicles, in the same transaction: a vehicle that is committed elsewhere refuses, and
 * with it the whole command is refused. So no vehicle is ever on two tenders, whoever assigns at the same moment.
 */
export const vehicleCommitment: Workflow<TenderState, TenderCommand> = {
  aggregateType: tender.type,
  commands: ['AssignTender', 'ReportDeparture', 'CompleteTender', 'CancelTender', 'AmendTender'],
  steps(state, command, { id: tenderId }) {
    const { at, occurredAt, by } = command;
    return commitments(state, command).map(([type, id]): Step => {
      const trip: TripCommand = { type, at, occurredAt, by, tenderId };
      return { aggregate: vehicle, id, command: trip };
    });
  },
};

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
