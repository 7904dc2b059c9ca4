import { type Decision, record, refuse } from '../eventstore/aggregate.ts';
import { type Refusal, refusal } from '../refusal.ts';
import type {
  AssignTender,
  CompleteTender,
  RaiseException,
  ReportArrival,
  ReportDeparture,
} from './command.ts';
import type { TenderFact } from './events.ts';
import type { Born, Moving, Stop } from './state.ts';

/** How many exceptions a tender keeps: its row must not grow without bound. */
const MAX_EXCEPTIONS = 500;

/**
 * Commits a vehicle to an accepted tender, or lets another take over. Whether the vehicle is free is decided by
 * the vehicle, in the same transaction (dispatch/).
 */
export function assignTender(state: Born, { vehicleId }: AssignTender): Decision<TenderFact> {
  switch (state.status) {
    case 'ACCEPTED':
      return record({ type: 'TenderAssigned', payload: { vehicleId } });
    case 'ASSIGNED':
    case 'IN_TRANSIT':
      if (state.vehicleId === vehicleId)
        return refuse(refusal('INVALID_TRANSITION', 'The tender has this vehicle already.'));
      return record({ type: 'TenderAssigned', payload: { vehicleId, previousVehicleId: state.vehicleId } });
    default:
      return refuse(refusal('INVALID_TRANSITION', `A tender that is ${state.status} cannot be assigned.`));
  }
}

/** The vehicle came to a stop. */
export function reportArrival(state: Born, command: ReportArrival): Decision<TenderFact> {
  const stop = reportedStop(state, command);
  if ('code' in stop) return refuse(stop);
  if (stop.arrivedAt !== undefined) return refuse(refusal('STOP_ALREADY_REPORTED'));
  return record({ type: 'StopArrived', payload: { stopSequence: stop.sequence } });
}

/** The vehicle left a stop. Its arrival need not have been reported: not every device sees both. */
export function reportDeparture(state: Born, command: ReportDeparture): Decision<TenderFact> {
  const stop = reportedStop(state, command);
  if ('code' in stop) return refuse(stop);
  if (stop.departedAt !== undefined) return refuse(refusal('STOP_ALREADY_REPORTED'));
  return record({ type: 'StopDeparted', payload: { stopSequence: stop.sequence } });
}

/** Something went wrong. */
export function raiseException(state: Born, command: RaiseException): Decision<TenderFact> {
  if (state.status !== 'ACCEPTED' && !isUnderway(state)) {
    const why = `An exception cannot be raised on a tender that is ${state.status}.`;
    return refuse(refusal('INVALID_TRANSITION', why));
  }
  const { stopSequence, note, reasonCode } = command;
  if (stopSequence !== undefined && findStop(state, stopSequence) === undefined)
    return refuse(unknownStop(state));
  if (state.load.exceptions.length >= MAX_EXCEPTIONS) {
    return refuse(refusal('INVALID_TRANSITION', `A tender keeps at most ${MAX_EXCEPTIONS} exceptions.`));
  }
  return record({
    type: 'ExceptionRaised',
    payload: {
      ...(stopSequence === undefined ? {} : { stopSequence }),
      ...(note === undefined ? {} : { note }),
    },
    ...(reasonCode === undefined ? {} : { reasonCode }),
  });
}

/** The load is delivered: it has arrived where it was to go. */
export function completeTender(state: Born, _command: CompleteTender): Decision<TenderFact> {
  if (state.status !== 'IN_TRANSIT') {
    return refuse(refusal('INVALID_TRANSITION', `A tender that is ${state.status} cannot be completed.`));
  }
  if (state.load.stops.at(-1)?.arrivedAt === undefined) {
    return refuse(refusal('INVALID_TRANSITION', 'The arrival at the last stop has not been reported.'));
  }
  return record({ type: 'TenderCompleted', payload: {} });
}

function isUnderway(state: Born): state is Moving & { readonly status: 'ASSIGNED' | 'IN_TRANSIT' } {
  return state.status === 'ASSIGNED' || state.status === 'IN_TRANSIT';
}

// In transit, reports may come in any order: what a device could not send at once it sends later.
function reportedStop(state: Born, { stopSequence }: ReportArrival | ReportDeparture): Stop | Refusal {
  if (!isUnderway(state)) {
    return refusal('INVALID_TRANSITION', `A tender that is ${state.status} has no vehicle on its way.`);
  }
  const stop = findStop(state, stopSequence);
  if (stop === undefined) return unknownStop(state);
  if (state.status === 'ASSIGNED' && stopSequence !== 1) {
    return refusal('INVALID_TRANSITION', 'The vehicle has not left the first stop.');
  }
  return stop;
}

function findStop(state: Born, sequence: number): Stop | undefined {
  return state.load.stops.find((stop) => stop.sequence === sequence);
}

function unknownStop(state: Born): Refusal {
  return refusal(
    'INVALID_INPUT',
    `The tender has the stops 1 to ${state.load.stops.length}.`,
    'stopSequence',
  );
}
