import fc from 'fast-check';
import type { TenderCommand } from '../../src/tender/command.ts';
import { type CommandsOfAKind, someId, type Told } from '../random-commands.ts';
import { DETAILS, threeStops, usd } from './cast.ts';

const one = <T extends Told<TenderCommand>>(told: T): fc.Arbitrary<T> => fc.constant(told);
const stop = fc.constantFrom(1, 2);
const expiresAt = new Date('2099-01-01T00:00:00Z');

const Tender: CommandsOfAKind<TenderCommand> = {
  first: one({ type: 'CreateTender', details: DETAILS }),
  further: fc.oneof(
    someId.map(
      (offerId) => ({ type: 'OfferTender', offerId, carrierId: `C-${offerId.at(-1)}`, expiresAt }) as const,
    ),
    someId.map((offerId) => ({ type: 'AcceptTender', offerId }) as const),
    someId.map(
      (offerId) => ({ type: 'DeclineTender', offerId, reasonCode: 'DRIVER_NOT_AVAILABLE' }) as const,
    ),
    someId.map((offerId) => ({ type: 'CounterTender', offerId, rate: usd('1000.00') }) as const),
    someId.map((offerId) => ({ type: 'AnswerCounter', offerId, accepted: true }) as const),
    someId.map((offerId) => ({ type: 'WithdrawOffer', offerId }) as const),
    { weight: 2, arbitrary: someId.map((vehicleId) => ({ type: 'AssignTender', vehicleId }) as const) },
    fc
      .integer({ min: 1, max: 9 })
      .map((weightKg) => ({ type: 'AmendTender', changes: { weightKg } }) as const),
    fc
      .constantFrom(DETAILS.stops, [...threeStops], threeStops.slice(1))
      .map((stops) => ({ type: 'AmendTender', changes: { stops } }) as const),
    { weight: 2, arbitrary: stop.map((stopSequence) => ({ type: 'ReportArrival', stopSequence }) as const) },
    {
      weight: 2,
      arbitrary: stop.map((stopSequence) => ({ type: 'ReportDeparture', stopSequence }) as const),
    },
    fc
      .constantFrom('late', 'broken')
      .map((note) => ({ type: 'RaiseException', note, reasonCode: 'OTHER' }) as const),
    one({ type: 'CompleteTender' }),
    one({ type: 'CancelTender', reasonCode: 'SHIPPER_RELATED' }),
  ),
};

export const COMMANDS = { Tender };
