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
  steps(before, command, { id: tenderId }, after) {
    const { at, occurredAt, by } = command;
    return commitments(before, after).map(([type, id]): Step => {
      const trip: TripCommand = { type, at, occurredAt, by, tenderId };
      return { aggregate: vehicle, id, command: trip };
    });
  },
};

/** The vehicle that a tender has, and whether it is on its way. A delivered load has none any more, whatever is still told of it. */
function committed(state: TenderState): { readonly vehicleId?: string; readonly isMoving: boolean } {
  if (!('vehicleId' in state) || state.status === 'COMPLETED') return { isMoving: false };
  return { vehicleId: state.vehicleId, isMoving: state.status === 'IN_TRANSIT' };
}

/**
 * What must change with the vehicles for the tender's new state. It goes by the states and not by the command: a departure that was
 * told late, say, may say that the load has been on its way with a vehicle before it is assigned again.
 */
function commitments(before: TenderState, after: TenderState): readonly (readonly [Commitment, string])[] {
  const had = committed(before);
  const has = committed(after);
  const isSame = had.vehicleId === has.vehicleId;
  const asked: (readonly [Commitment, string])[] = [];
  if (had.vehicleId !== undefined && !isSame) {
    const isOver = had.isMoving || after.status === 'COMPLETED';
    asked.push([isOver ? 'EndTrip' : 'ReleaseVehicle', had.vehicleId]);
  }
  if (has.vehicleId !== undefined) {
    if (!isSame) asked.push(['ReserveVehicle', has.vehicleId]);
    if (has.isMoving && !(isSame && had.isMoving)) asked.push(['StartTrip', has.vehicleId]);
  }
  return asked;
}
