import { builder } from '../graphql/builder.ts';
import { commonFields } from '../graphql/inputs.ts';
import {
  CancelReasonRef,
  DeclineReasonRef,
  ExceptionReasonRef,
  TenderStatusRef,
  WithdrawReasonRef,
} from './objects.ts';
import { StopKindRef } from './stop-objects.ts';

const which = 'The tender.';
const offerId = 'The offer; may be left out where only one can be meant.';

export const MoneyInput = builder.inputType('MoneyInput', {
  description: 'A sum of money.',
  fields: (t) => ({
    amount: t.string({ required: true, description: 'A decimal with at most four decimals: `1234.50`.' }),
    currency: t.string({ required: true, description: 'ISO 4217: `USD`.' }),
  }),
});

export const StopInput = builder.inputType('StopInput', {
  description: 'A place on the way; its sequence is its place in the list, from 1. Coordinates are WGS 84.',
  fields: (t) => ({
    kind: t.field({ type: StopKindRef, required: true, description: 'What happens there.' }),
    name: t.string({ required: true, description: 'For a person.' }),
    longitude: t.float({ required: true, description: 'Degrees east, -180 to 180.' }),
    latitude: t.float({ required: true, description: 'Degrees north, -90 to 90.' }),
    arriveFrom: t.field({ type: 'DateTime', description: 'The earliest planned arrival.' }),
    arriveBy: t.field({ type: 'DateTime', description: 'The latest planned arrival.' }),
  }),
});

export const CreateTenderInput = builder.inputType('CreateTenderInput', {
  description: 'A load to move.',
  fields: (t) => ({
    id: t.id({ description: 'A UUID of the client’s own; by default Waybill gives one.' }),
    reference: t.string({ description: 'The load’s number elsewhere.' }),
    fleetId: t.string({ description: 'The fleet that is to move it.' }),
    stops: t.field({
      type: [StopInput],
      required: true,
      description: 'The way, 2 to 50 stops: first a PICKUP, last a DELIVERY.',
    }),
    equipment: t.string({ description: 'What it is to be moved with.' }),
    weightKg: t.float({ description: 'How heavy it is; more than 0, at most 1,000,000.' }),
    rate: t.field({ type: MoneyInput, description: 'What its offers are made at, unless they name a rate.' }),
    ...commonFields(t),
  }),
});

export const AmendTenderInput = builder.inputType('AmendTenderInput', {
  description: 'Changes to a load: what is given changes, what is left out or null stays.',
  fields: (t) => ({
    tenderId: t.id({ required: true, description: which }),
    reference: t.string({ description: 'The load’s number elsewhere.' }),
    fleetId: t.string({ description: 'The fleet that is to move it.' }),
    stops: t.field({ type: [StopInput], description: 'The whole new way, 2 to 50 stops.' }),
    equipment: t.string({ description: 'What it is to be moved with.' }),
    weightKg: t.float({ description: 'How heavy it is.' }),
    rate: t.field({ type: MoneyInput, description: 'What new offers are made at, unless they name a rate.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description:
        'Until when a carrier that had accepted may answer again; by default as long as it had at first.',
    }),
    ...commonFields(t),
  }),
});

export const OfferTenderInput = builder.inputType('OfferTenderInput', {
  description: 'Whom to ask, and until when.',
  fields: (t) => ({
    tenderId: t.id({ required: true, description: which }),
    carrierId: t.string({ required: true, description: 'Who is asked.' }),
    rate: t.field({ type: MoneyInput, description: 'What is offered; by default the tender’s own rate.' }),
    expiresAt: t.field({
      type: 'DateTime',
      required: true,
      description: 'From then on an answer is too late. In the future.',
    }),
    ...commonFields(t),
  }),
});

export const AcceptTenderInput = builder.inputType('AcceptTenderInput', {
  description: 'Which offer is accepted.',
  fields: (t) => ({
    tenderId: t.id({ required: true, description: which }),
    offerId: t.id({ description: offerId }),
    ...commonFields(t),
  }),
});

export const DeclineTenderInput = builder.inputType('DeclineTenderInput', {
  description: 'Which offer is declined, and why.',
  fields: (t) => ({
    tenderId: t.id({ required: true, description: which }),
    offerId: t.id({ description: offerId }),
    reasonCode: t.field({ type: DeclineReasonRef, required: true, description: 'Why.' }),
    ...commonFields(t),
  }),
});

export const CounterTenderInput = builder.inputType('CounterTenderInput', {
  description: 'Which offer is countered, and with what.',
  fields: (t) => ({
    tenderId: t.id({ required: true, description: which }),
    offerId: t.id({ description: offerId }),
    rate: t.field({ type: MoneyInput, required: true, description: 'What the carrier asks for.' }),
    note: t.string({ description: 'For a person.' }),
    ...commonFields(t),
  }),
});

export const AnswerCounterInput = builder.inputType('AnswerCounterInput', {
  description: 'What is said to a counter proposal.',
  fields: (t) => ({
    tenderId: t.id({ required: true, description: which }),
    offerId: t.id({ description: offerId }),
    accepted: t.boolean({
      required: true,
      description: 'True: the tender is settled at the rate asked for. False: the offer stands as it was.',
    }),
    ...commonFields(t),
  }),
});

export const WithdrawOfferInput = builder.inputType('WithdrawOfferInput', {
  description: 'Which offer is taken back.',
  fields: (t) => ({
    tenderId: t.id({ required: true, description: which }),
    offerId: t.id({ description: offerId }),
    reasonCode: t.field({ type: WithdrawReasonRef, description: 'Why.' }),
    ...commonFields(t),
  }),
});

export const DriverInput = builder.inputType('DriverInput', {
  description:
    'Who drives. Name and number are encrypted under a key of that person before anything is stored, and can be erased.',
  fields: (t) => ({
    id: t.string({
      required: true,
      description:
        'The person in your own words: a personnel number, say. It is stored nowhere in clear text.',
    }),
    name: t.string({ description: 'What the driver is called.' }),
    phone: t.string({ description: 'Where the driver is reached: `+49 30 123456`.' }),
  }),
});

export const AssignTenderInput = builder.inputType('AssignTenderInput', {
  description: 'Which vehicle moves it.',
  fields: (t) => ({
    tenderId: t.id({ required: true, description: which }),
    vehicleId: t.id({ required: true, description: 'An available vehicle.' }),
    driver: t.field({ type: DriverInput, description: 'Who drives it.' }),
    ...commonFields(t),
  }),
});

export const ReportStopInput = builder.inputType('ReportStopInput', {
  description:
    'Which stop; `occurredAt` says when. It is recorded in every state of the tender, also before an assignment and after delivery.',
  fields: (t) => ({
    tenderId: t.id({ required: true, description: which }),
    stopSequence: t.int({
      required: true,
      description:
        'From 1, in the plan that was in force at `occurredAt`; where that had fewer stops, in the present one.',
    }),
    ...commonFields(t),
  }),
});

export const RaiseExceptionInput = builder.inputType('RaiseExceptionInput', {
  description: 'What went wrong.',
  fields: (t) => ({
    tenderId: t.id({ required: true, description: which }),
    reasonCode: t.field({ type: ExceptionReasonRef, description: 'What it was.' }),
    stopSequence: t.int({ description: 'The stop it concerns, from 1.' }),
    note: t.string({ description: 'For a person.' }),
    ...commonFields(t),
  }),
});

export const CompleteTenderInput = builder.inputType('CompleteTenderInput', {
  description: 'Which tender is delivered.',
  fields: (t) => ({
    tenderId: t.id({ required: true, description: which }),
    ...commonFields(t),
  }),
});

export const CancelTenderInput = builder.inputType('CancelTenderInput', {
  description: 'Which tender is cancelled, and why.',
  fields: (t) => ({
    tenderId: t.id({ required: true, description: which }),
    reasonCode: t.field({ type: CancelReasonRef, required: true, description: 'Why.' }),
    ...commonFields(t),
  }),
});

export const TenderFilterInput = builder.inputType('TenderFilter', {
  description: 'Every given field must fit, with any of its values.',
  fields: (t) => ({
    ids: t.idList({ description: 'These tenders.' }),
    status: t.field({ type: [TenderStatusRef], description: 'In any of these states.' }),
    carrierId: t.stringList({ description: 'Ever offered to any of these carriers.' }),
    fleetId: t.stringList({ description: 'Of any of these fleets.' }),
    vehicleId: t.idList({ description: 'On any of these vehicles.' }),
  }),
});
