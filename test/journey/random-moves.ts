import fc from 'fast-check';
import type { Aggregate, Caller, Command } from '../../src/eventstore/aggregate.ts';
import type { Intent } from '../../src/eventstore/command/intent.ts';
import { newId } from '../../src/eventstore/ids.ts';
import type { RouteCommand } from '../../src/route/decide.ts';
import { ADJUST_REASON_NAMES, ADJUST_SOURCE_NAMES } from '../../src/route/reasons.ts';
import { route } from '../../src/route/route.ts';
import type { TenderCommand } from '../../src/tender/command.ts';
import { tender } from '../../src/tender/tender.ts';
import type { VehicleCommand } from '../../src/vehicle/decide.ts';
import { VEHICLE_STATES } from '../../src/vehicle/events.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import { DETAILS, usd } from '../tender/cast.ts';

/** What somebody attempts. It may well be refused: nobody looks before. */
export interface Move {
  readonly context: 'Tender' | 'Vehicle' | 'Route';
  /** Which of them. */
  readonly who: number;
  /** What, and with what. */
  readonly what: number;
  readonly with: number;
  /** How long before it is told it happened; mostly 0. */
  readonly lateMinutes: number;
}

/** Aggregates of each kind that moves are about: few, so that much happens to each. */
const EACH = 3;

const whole = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

/** Moves of every context. */
export const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.record({
    context: fc.constantFrom('Tender', 'Tender', 'Tender', 'Tender', 'Vehicle', 'Vehicle', 'Route'),
    who: whole(EACH - 1),
    what: whole(99),
    with: whole(99),
    lateMinutes: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, whole(600)),
  }),
  { minLength: 120, maxLength: 240, size: 'max' },
);

const dispatcher: Caller = { id: 'dora', role: 'dispatcher' };
const CARRIERS = ['ACME', 'ACME', 'ACME', 'BOLT'] as const;

function pick<T>(list: readonly [T, ...T[]], index: number): T {
  return list[index % list.length] ?? list[0];
}

/** What every story begins with: there is one of each. */
export const BEGINNINGS: readonly Move[] = (['Tender', 'Vehicle', 'Route'] as const).flatMap((context) =>
  Array.from({ length: EACH }, (_, who) => ({ context, who, what: 0, with: 0, lateMinutes: 0 })),
);

/** A world's aggregates, and the intents that moves come to in it. */
export function openWorld(tenantId: string): { intentOf(move: Move): Intent } {
  const ids = Array.from({ length: 3 * EACH }, newId);
  const idOf = (context: Move['context'], who: number): string =>
    ids[['Tender', 'Vehicle', 'Route'].indexOf(context) * EACH + (who % EACH)] ?? '';
  return {
    intentOf(move) {
      const id = idOf(move.context, move.who);
      const command = { ...commandOf(move, idOf), ...timesOf(move) };
      const aggregate: Aggregate<unknown, Command> = { Tender: tender, Vehicle: vehicle, Route: route }[
        move.context
      ];
      return { tenantId, aggregate, id, command, input: { move }, origin: 'test' } as Intent;
    },
  };
}

function timesOf({ lateMinutes }: Move): Pick<Command, 'at' | 'occurredAt'> {
  const at = new Date();
  return { at, occurredAt: new Date(at.getTime() - lateMinutes * 60_000) };
}

type Untimed<C> = C extends Command ? Omit<C, 'at' | 'occurredAt'> : never;
type IdOf = (context: Move['context'], who: number) => string;

function commandOf(move: Move, idOf: IdOf): Untimed<TenderCommand | VehicleCommand | RouteCommand> {
  if (move.context === 'Tender') return tenderCommand(move, idOf);
  return move.context === 'Vehicle' ? vehicleCommand(move) : routeCommand(move);
}

function tenderCommand({ what, with: n }: Move, idOf: IdOf): Untimed<TenderCommand> {
  const carrierId = pick(CARRIERS, n);
  const carrier: Caller = { id: `${carrierId}-tms`, role: 'carrier', carrierId };
  const by = dispatcher;
  const stopSequence = 1 + (n % 2);
  const expiresAt = new Date(Date.now() + 3_600_000);
  return pick<Untimed<TenderCommand>>(
    [
      { type: 'CreateTender', details: DETAILS, by },
      { type: 'OfferTender', offerId: newId(), carrierId, expiresAt, by },
      { type: 'AcceptTender', by: carrier },
      { type: 'AssignTender', vehicleId: idOf('Vehicle', n), by },
      { type: 'ReportDeparture', stopSequence, by },
      { type: 'ReportArrival', stopSequence, by },
      { type: 'AcceptTender', by: carrier },
      { type: 'AssignTender', vehicleId: idOf('Vehicle', n), by },
      { type: 'RaiseException', reasonCode: 'ACCIDENT', note: `${n}`, by },
      { type: 'OfferTender', offerId: newId(), carrierId, rate: usd(`${n}.50`), expiresAt, by },
      { type: 'CounterTender', rate: usd(`${n}.00`), by: carrier },
      { type: 'AnswerCounter', accepted: n % 2 === 0, by },
      { type: 'ReportDeparture', stopSequence, by },
      n < 30
        ? { type: 'AmendTender', changes: { weightKg: n + 1 }, by }
        : { type: 'ReportArrival', stopSequence, by },
      { type: 'DeclineTender', reasonCode: 'RATE_TOO_LOW', by: carrier },
      { type: 'WithdrawOffer', reasonCode: 'RATE_CHANGED', by },
      { type: 'CompleteTender', by },
      n < 10 ? { type: 'CancelTender', reasonCode: 'DUPLICATE', by } : { type: 'AcceptTender', by: carrier },
    ],
    what,
  );
}

function vehicleCommand({ what, with: n, who }: Move): Untimed<VehicleCommand> {
  const by = dispatcher;
  if (what < 5) return { type: 'RegisterVehicle', licensePlate: `W ${who}`, fleetId: 'north', by };
  if (what < 20) return { type: 'ChangeVehicleState', to: pick(VEHICLE_STATES, n), by };
  const fix = { longitude: n + 0.5, latitude: n / 2, ...(n % 3 === 0 ? { speedMps: n / 4 } : {}) };
  return { type: 'TrackLocation', fix, keyed: false, by };
}

function routeCommand({ what, with: n }: Move): Untimed<RouteCommand> {
  const by = dispatcher;
  const stops = [{ name: `Stop ${n}`, longitude: n, latitude: n / 2 }];
  if (what < 5) return { type: 'PlanRoute', plan: { stops, durationS: n }, name: `R${n}`, by };
  const reason = { reasonCode: pick(ADJUST_REASON_NAMES, n), source: pick(ADJUST_SOURCE_NAMES, n) };
  const changes = n % 2 === 0 ? { durationS: n } : { stops };
  return { type: 'AdjustRoute', changes, ...reason, by };
}
