import { recordedFields } from '../audit/command-payload.ts';
import { present } from '../eventstore/payload.ts';
import { builder } from '../graphql/builder.ts';
import { stamp } from '../graphql/context.ts';
import { idOf, newIdOf } from '../graphql/global-id.ts';
import { isRefusal, resultUnion } from '../graphql/refusal.ts';
import { sealDriver } from './driver/seal.ts';
import type { PlannedStop } from './events.ts';
import { giveAboutOffer, giveToTender, giveWithId, type TenderCommandPayload } from './give.ts';
import * as inputs from './inputs.ts';
import { TenderRef } from './objects.ts';
import { tender } from './tender.ts';

const TenderPayload = builder.objectRef<TenderCommandPayload>('TenderPayload').implement({
  description: 'The command is recorded.',
  fields: (t) => ({
    tender: t.field({
      type: TenderRef,
      description: 'As the command left it.',
      resolve: (payload) => payload.row,
    }),
    ...recordedFields(t, {
      events: 'What was recorded, in order; of the vehicle too, where one takes part.',
    }),
  }),
});

const TenderResult = resultUnion('TenderResult', TenderPayload);

type StopFields = typeof inputs.StopInput.$inferInput;

function plannedStops(stops: readonly StopFields[]): PlannedStop[] {
  return stops.map((stop) => present(stop));
}

builder.mutationFields((t) => ({
  createTender: t.field({
    type: TenderResult,
    description: 'Enters a load to move.',
    args: { input: t.arg({ type: inputs.CreateTenderInput, required: true }) },
    resolve: (_root, { input }, context) => {
      const { reference, fleetId, equipment, weightKg, rate } = input;
      const id = input.id
        ? newIdOf('Tender', input.id, 'id')
        : context.store.newId(tender.type, input.idempotencyKey);
      if (isRefusal(id)) return id;
      const details = {
        ...present({ reference, fleetId, equipment, weightKg, rate }),
        stops: plannedStops(input.stops),
      };
      return giveWithId(context, id, input, { type: 'CreateTender', details, ...stamp(context, input) });
    },
  }),
  amendTender: t.field({
    type: TenderResult,
    description:
      'Changes a load. A carrier that had accepted it is asked again, and its vehicle is released.',
    args: { input: t.arg({ type: inputs.AmendTenderInput, required: true }) },
    resolve: (_root, { input }, context) => {
      const { reference, fleetId, equipment, weightKg, rate, expiresAt } = input;
      const stops = input.stops ? plannedStops(input.stops) : undefined;
      const changes = present({ reference, fleetId, equipment, weightKg, rate, stops });
      return giveToTender(context, input, (base) => ({
        type: 'AmendTender',
        changes,
        ...present({ expiresAt }),
        ...base,
      }));
    },
  }),
  offerTender: t.field({
    type: TenderResult,
    description: 'Puts the tender to a carrier. Several offers may be out at once, or one after another.',
    args: { input: t.arg({ type: inputs.OfferTenderInput, required: true }) },
    resolve: (_root, { input }, context) => {
      const { carrierId, expiresAt, rate, idempotencyKey } = input;
      return giveToTender(context, input, (base, tenderId) => {
        const offerId = context.store.newId('Offer', idempotencyKey && `${tenderId}/${idempotencyKey}`);
        return { type: 'OfferTender', offerId, carrierId, expiresAt, ...present({ rate }), ...base };
      });
    },
  }),
  acceptTender: t.field({
    type: TenderResult,
    description:
      'The carrier takes the load, or someone on its behalf. Every other live offer is superseded.',
    args: { input: t.arg({ type: inputs.AcceptTenderInput, required: true }) },
    resolve: (_root, { input }, context) =>
      giveAboutOffer(context, input, (base) => ({ type: 'AcceptTender', ...base })),
  }),
  declineTender: t.field({
    type: TenderResult,
    description: 'The carrier does not take the load.',
    args: { input: t.arg({ type: inputs.DeclineTenderInput, required: true }) },
    resolve: (_root, { input }, context) =>
      giveAboutOffer(context, input, (base) => ({
        type: 'DeclineTender',
        reasonCode: input.reasonCode,
        ...base,
      })),
  }),
  counterTender: t.field({
    type: TenderResult,
    description: 'The carrier asks for another rate. The offer stays live.',
    args: { input: t.arg({ type: inputs.CounterTenderInput, required: true }) },
    resolve: (_root, { input }, context) =>
      giveAboutOffer(context, input, (base) => {
        const { rate, note } = input;
        return { type: 'CounterTender', rate: { ...rate }, ...present({ note }), ...base };
      }),
  }),
  answerCounter: t.field({
    type: TenderResult,
    description: 'The dispatcher takes a counter proposal, or turns it down.',
    args: { input: t.arg({ type: inputs.AnswerCounterInput, required: true }) },
    resolve: (_root, { input }, context) =>
      giveAboutOffer(context, input, (base) => ({
        type: 'AnswerCounter',
        accepted: input.accepted,
        ...base,
      })),
  }),
  withdrawOffer: t.field({
    type: TenderResult,
    description: 'Takes a live offer back.',
    args: { input: t.arg({ type: inputs.WithdrawOfferInput, required: true }) },
    resolve: (_root, { input }, context) =>
      giveAboutOffer(context, input, (base) => {
        const { reasonCode } = input;
        return { type: 'WithdrawOffer', ...present({ reasonCode }), ...base };
      }),
  }),
  assignTender: t.field({
    type: TenderResult,
    description: 'Commits an available vehicle to an accepted tender; again: another vehicle takes over.',
    args: { input: t.arg({ type: inputs.AssignTenderInput, required: true }) },
    resolve: async (_root, { input }, context) => {
      const sealed = await sealDriver(context, input);
      if (isRefusal(sealed)) return sealed;
      const { driver, asked } = sealed;
      return giveToTender(context, { ...input, ...asked }, (base) => {
        const vehicleId = idOf('Vehicle', input.vehicleId, 'vehicleId');
        return isRefusal(vehicleId)
          ? vehicleId
          : { type: 'AssignTender', vehicleId, ...present({ driver }), ...base };
      });
    },
  }),
  reportArrival: t.field({
    type: TenderResult,
    description:
      'The vehicle arrived at a stop. A report is never refused for the state of the tender; what does not fit is marked.',
    args: { input: t.arg({ type: inputs.ReportStopInput, required: true }) },
    resolve: (_root, { input }, context) =>
      giveToTender(context, input, (base) => ({
        type: 'ReportArrival',
        stopSequence: input.stopSequence,
        ...base,
      })),
  }),
  reportDeparture: t.field({
    type: TenderResult,
    description:
      'The vehicle left a stop. The first departure with its vehicle puts an assigned load in transit.',
    args: { input: t.arg({ type: inputs.ReportStopInput, required: true }) },
    resolve: (_root, { input }, context) =>
      giveToTender(context, input, (base) => ({
        type: 'ReportDeparture',
        stopSequence: input.stopSequence,
        ...base,
      })),
  }),
  raiseException: t.field({
    type: TenderResult,
    description: 'Something went wrong on the way.',
    args: { input: t.arg({ type: inputs.RaiseExceptionInput, required: true }) },
    resolve: (_root, { input }, context) => {
      const { stopSequence, note, reasonCode } = input;
      const about = present({ stopSequence, note, reasonCode });
      return giveToTender(context, input, (base) => ({ type: 'RaiseException', ...about, ...base }));
    },
  }),
  completeTender: t.field({
    type: TenderResult,
    description: 'The load is delivered: the arrival at the last stop was reported.',
    args: { input: t.arg({ type: inputs.CompleteTenderInput, required: true }) },
    resolve: (_root, { input }, context) =>
      giveToTender(context, input, (base) => ({ type: 'CompleteTender', ...base })),
  }),
  cancelTender: t.field({
    type: TenderResult,
    description: 'The load will not be moved. Its live offers end, its vehicle is released.',
    args: { input: t.arg({ type: inputs.CancelTenderInput, required: true }) },
    resolve: (_root, { input }, context) =>
      giveToTender(context, input, (base) => ({
        type: 'CancelTender',
        reasonCode: input.reasonCode,
        ...base,
      })),
  }),
}));
