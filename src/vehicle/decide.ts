import {
  type Command,
  clockFault,
  type Decision,
  futureFault,
  record,
  refuse,
} from '../eventstore/aggregate.ts';
import { type Refusal, type RefusalCode, refusal } from '../refusal.ts';
import type { FixPayload, MdsState, StateReason, VehicleFact } from './events.ts';
import type { CorrectionReason } from './reasons.ts';
import type { VehicleState } from './state.ts';
import { reasonsFor } from './transitions.ts';

/** A vehicle joins the fleet. */
export interface RegisterVehicle extends Command<'RegisterVehicle'> {
  /** As `plateText` makes it. */
  readonly licensePlate: string;
  readonly fleetId?: string;
}

/** A vehicle goes to another state of MDS. */
export interface ChangeVehicleState extends Command<'ChangeVehicleState'> {
  readonly to: MdsState;
  readonly reasonCode?: StateReason;
}

/** Records where a vehicle was. */
export interface TrackLocation extends Command<'TrackLocation'> {
  /** Recorded as it is. */
  readonly fix: FixPayload;
  /** Whether the client gave a key; if not, the fix is identified by vehicle, device and occurredAt. */
  readonly keyed: boolean;
}

/** Says what a fix should have said that is recorded; occurredAt is that of the fix. */
export interface CorrectLocation extends Command<'CorrectLocation'> {
  /** The event that recorded the fix. */
  readonly fixId: string;
  /** Its number among the corrections of the fix, from 1. */
  readonly number: number;
  /** What that event says. */
  readonly recorded: FixPayload;
  /** What it should have said. */
  readonly fix: FixPayload;
  readonly reasonCode: CorrectionReason;
  /** The client's name for it, where it gave one. */
  readonly key?: string;
}

/** What `dispatch/` asks of a vehicle on behalf of a tender. */
export interface TripCommand extends Command<'ReserveVehicle' | 'ReleaseVehicle' | 'StartTrip' | 'EndTrip'> {
  readonly tenderId: string;
}

export type VehicleCommand =
  | RegisterVehicle
  | ChangeVehicleState
  | TrackLocation
  | CorrectLocation
  | TripCommand;

type Decided = Decision<VehicleFact>;

/** What comes of a command, given the vehicle's past. */
export function decideVehicle(state: VehicleState, command: VehicleCommand): Decided {
  const fault = faultOf(command);
  if (fault !== undefined) return refuse(fault);
  if (command.type === 'RegisterVehicle') return register(state, command);
  if (!state.registered) return no('NOT_FOUND', 'There is no vehicle with this id.');
  switch (command.type) {
    case 'TrackLocation':
      return track(command);
    case 'CorrectLocation':
      return correct(command);
    case 'ChangeVehicleState':
      return change(state, command);
    default:
      return trip(state, command);
  }
}

function register(state: VehicleState, { licensePlate, fleetId }: RegisterVehicle): Decided {
  if (state.registered) return no('ALREADY_EXISTS', 'A vehicle with this id is registered already.');
  return record({
    type: 'VehicleRegistered',
    payload: { licensePlate, ...(fleetId === undefined ? {} : { fleetId }) },
  });
}

/** What is wrong with a command by itself, whichever vehicle it is given to and whatever was recorded before. */
export function faultOf(command: VehicleCommand): Refusal | undefined {
  if (command.type !== 'TrackLocation' && command.type !== 'CorrectLocation') return futureFault(command);
  const { fix } = command;
  // Written so that NaN fails.
  if (!(Math.abs(fix.longitude) <= 180)) return refusal('NOT_ON_EARTH', undefined, 'longitude');
  if (!(Math.abs(fix.latitude) <= 90)) return refusal('NOT_ON_EARTH', undefined, 'latitude');
  if (fix.longitude === 0 && fix.latitude === 0) return refusal('NULL_ISLAND', undefined, 'longitude');
  // A correction has the time of its fix, which was taken. One fix from the future would freeze the marker on the map.
  return command.type === 'TrackLocation' ? clockFault(command) : undefined;
}

/** A fix is taken in every state: MDS lets removed and lost vehicles report too. */
function track({ fix }: TrackLocation): Decided {
  return record({ type: 'LocationTracked', payload: fix });
}

/** As a fix, in every state: what it should have said was so before it was found out. */
function correct({ fixId, number, recorded, fix: corrected, reasonCode, key }: CorrectLocation): Decided {
  const payload = { fixId, number, recorded, corrected, ...(key === undefined ? {} : { key }) };
  return record({ type: 'LocationCorrected', payload, reasonCode });
}

function change(state: VehicleState, { to, reasonCode }: ChangeVehicleState): Decided {
  const from = state.state;
  const reasons = reasonsFor(from, to);
  if (reasons.length === 0) return no('INVALID_TRANSITION', `A vehicle cannot go from ${from} to ${to}.`);
  if (reasonCode !== undefined && !reasons.includes(reasonCode)) {
    const message = `${reasonCode} does not lead from ${from} to ${to}; these do: ${reasons.join(', ')}.`;
    return no('INVALID_TRANSITION', message, 'reasonCode');
  }
  if (state.tenderId !== null && breaksCommitment(state, to)) {
    return no('VEHICLE_COMMITTED', `The vehicle is committed to a tender and cannot become ${to}.`);
  }
  const payload = { from, to };
  return record({
    type: 'VehicleStateChanged',
    payload,
    ...(reasonCode === undefined ? {} : { reasonCode }),
  });
}

/**
 * A committed vehicle is not free to be available, reserved or removed. One that was lost before it departed may
 * come back as reserved: "as vehicles regain connectivity they should return to their prior state" (MDS 2.0).
 */
function breaksCommitment({ departed }: VehicleState, to: MdsState): boolean {
  return to === 'available' || to === 'removed' || (to === 'reserved' && departed);
}

function trip(state: VehicleState, { type, tenderId }: TripCommand): Decided {
  const payload = { tenderId };
  if (type === 'ReserveVehicle') {
    if (state.tenderId === tenderId) return record();
    if (state.tenderId !== null)
      return no('VEHICLE_NOT_AVAILABLE', 'The vehicle is committed to another tender.');
    if (state.state !== 'available') {
      return no('VEHICLE_NOT_AVAILABLE', `The vehicle is not available: it is ${state.state}.`);
    }
    return record({ type: 'VehicleReserved', payload });
  }
  if (state.tenderId !== tenderId) {
    return no('INVALID_TRANSITION', 'The vehicle is not committed to this tender.');
  }
  if (type === 'ReleaseVehicle') return record({ type: 'VehicleReleased', payload });
  if (type === 'EndTrip') return record({ type: 'TripEnded', payload });
  return state.departed ? record() : record({ type: 'TripStarted', payload });
}

function no(code: RefusalCode, message?: string, field?: string): Decision<never> {
  return refuse(refusal(code, message, field));
}
