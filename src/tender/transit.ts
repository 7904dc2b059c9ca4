import { type Decision, record, refuse } from '../eventstore/aggregate.ts';
import { type Refusal, refusal } from '../refusal.ts';
import type {
  AssignTender,
  CompleteTender,
  RaiseException,
  ReportArrival,
  ReportDeparture,
} from './command.ts';
import { MAX_CUSTODIES } from './custody.ts';
import type { TenderFact } from './events.ts';
import { stopMeant } from './plan.ts';
import type { Born, Stop } from './state.ts';

/**
 * How long before a load was entered something may have happened to it, in days. Loads are entered after the fact, from papers and
 * by telephone; what is older comes from a device whose clock is wrong.
 */
const MAX_BEFORE_ENTRY_DAYS = 30;
const DAY_MS = 86_400_000;

/**
 * Commits a vehicle to an accepted tender, or lets another take over. Whether the vehicle is free is decided by
 * the vehicle, in the same transaction (dispatch/).
 */
export function assignTender(state: Born, { vehicleId, driver }: AssignTender): Decision<TenderFact> {
  const driven = driver === undefined ? {} : { driver };
  switch (state.status) {
    case 'ACCEPTED':
      return record({ type: 'TenderAssigned', payload: { vehicleId, ...driven } });
    case 'ASSIGNED':
    case 'IN_TRANSIT':
      if (state.vehicleId === vehicleId)
        return refuse(refusal('INVALID_TRANSITION', 'The tender has this vehicle already.'));
      if (state.load.custodies.length >= MAX_CUSTODIES) {
        const why = `A tender can go from hand to hand at most ${MAX_CUSTODIES} times.`;
        return refuse(refusal('INVALID_TRANSITION', why));
      }
      return record({
        type: 'TenderAssigned',
        payload: { vehicleId, previousVehicleId: state.vehicleId, ...driven },
      });
    default:
      return refuse(refusal('INVALID_TRANSITION', `A tender that is ${state.status} cannot be assigned.`));
  }
}

/**
 * The vehicle came to a stop, or left one. Somebody saw that, so that it is recorded whatever the state is, before an assignment and
 * after delivery, again and in any order: what it comes to, and what does not fit, is found by `judge.ts`.
 */
export function reportStop(state: Born, command: ReportArrival | ReportDeparture): Decision<TenderFact> {
  const refused = impossible(state, command);
  if (refused !== undefined) return refuse(refused);
  const type = command.type === 'ReportArrival' ? 'StopArrived' : 'StopDeparted';
  const { stopSequence } = command;
  return record({ type, payload: { stopSequence, ...stopIdOf(state, command) } });
}

/** Something went wrong. As for `reportStop`, that is recorded in every state. */
export function raiseException(state: Born, command: RaiseException): Decision<TenderFact> {
  const refused = impossible(state, command);
  if (refused !== undefined) return refuse(refused);
  const { stopSequence, note, reasonCode } = command;
  return record({
    type: 'ExceptionRaised',
    payload: {
      ...(stopSequence === undefined ? {} : { stopSequence }),
      ...stopIdOf(state, command),
      ...(note === undefined ? {} : { note }),
    },
    ...(reasonCode === undefined ? {} : { reasonCode }),
  });
}

type Report = ReportArrival | ReportDeparture | RaiseException;

/** Why a report cannot be true: nothing else refuses one. */
function impossible(state: Born, report: Report): Refusal | undefined {
  const earliest = state.load.enteredAt.getTime() - MAX_BEFORE_ENTRY_DAYS * DAY_MS;
  if (report.occurredAt.getTime() < earliest) return refusal('TOO_LONG_AGO', undefined, 'occurredAt');
  if (report.stopSequence === undefined || meant(state, report) !== undefined) return undefined;
  const stops = Math.max(...state.load.plans.map(({ stopIds }) => stopIds.length));
  return refusal('INVALID_INPUT', `The tender has the stops 1 to ${stops}.`, 'stopSequence');
}

function stopIdOf(state: Born, report: Report): { readonly stopId?: string } {
  const stop = meant(state, report);
  return stop === undefined ? {} : { stopId: stop.id };
}

function meant({ load }: Born, { stopSequence, occurredAt }: Report): Stop | undefined {
  return stopSequence === undefined ? undefined : stopMeant(load, stopSequence, occurredAt);
}

/**
 * The load is delivered: it has arrived where it was to go. Nobody need have reported a departure, which can only have
 * been missed.
 */
export function completeTender(state: Born, _command: CompleteTender): Decision<TenderFact> {
  if (!isUnderway(state)) {
    return refuse(refusal('INVALID_TRANSITION', `A tender that is ${state.status} cannot be completed.`));
  }
  if (state.load.stops.at(-1)?.arrivedAt === undefined) {
    return refuse(refusal('INVALID_TRANSITION', 'The arrival at the last stop has not been reported.'));
  }
  return record({ type: 'TenderCompleted', payload: {} });
}

function isUnderway(state: Born): boolean {
  return state.status === 'ASSIGNED' || state.status === 'IN_TRANSIT';
}
