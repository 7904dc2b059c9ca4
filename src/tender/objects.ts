import { EventConnection, EventRef, HISTORY_ARGS } from '../audit/graphql.ts';
import { historyOf } from '../audit/history.ts';
import type { Money } from '../eventstore/payload.ts';
import { builder, uncached } from '../graphql/builder.ts';
import { isCarrier, requireAccess } from '../graphql/context.ts';
import { encodeGlobalId } from '../graphql/global-id.ts';
import { type ShownDriver, showDriver } from './driver/seal.ts';
import { acceptedOffer, OFFER_STATUSES, type Offer } from './offer.ts';
import { type TenderRow, tendersRead } from './projection.ts';
import {
  CANCEL_REASONS,
  DECLINE_REASONS,
  EXCEPTION_REASONS,
  type Reason,
  WITHDRAW_REASONS,
} from './reasons.ts';
import { TENDER_STATUSES } from './state.ts';
import {
  exceptionsOf,
  reportsOf,
  StopRef,
  StopReportRef,
  stopsOf,
  TransitExceptionRef,
} from './stop-objects.ts';
import { tender } from './tender.ts';
import { asSeenBy, eventShownTo } from './visibility.ts';

export const TenderStatusRef = builder.enumType('TenderStatus', {
  description: 'Where a tender stands.',
  values: TENDER_STATUSES,
});

const OfferStatusRef = builder.enumType('OfferStatus', {
  description: 'What became of an offer. SENT and COUNTERED are live: the offer can still be accepted.',
  values: OFFER_STATUSES,
});

/** An enum of a closed list of reasons; each value's description ends with its X12 code. */
function reasonEnum<K extends string>(
  name: string,
  description: string,
  reasons: Readonly<Record<K, Reason>>,
) {
  const values = {} as Record<K, { description: string }>;
  for (const code of Object.keys(reasons) as K[]) {
    const { doc, x12 } = reasons[code];
    values[code] = { description: x12 === null ? `${doc} (no X12 code)` : `${doc} (X12 1651: ${x12})` };
  }
  return builder.enumType(name, { description, values });
}

export const DeclineReasonRef = reasonEnum(
  'DeclineReason',
  'Why a carrier declines (X12 990, element 558 = D; the reasons are those of element 1651).',
  DECLINE_REASONS,
);
export const CancelReasonRef = reasonEnum(
  'CancelReason',
  'Why a tender is cancelled (X12 1651).',
  CANCEL_REASONS,
);
export const WithdrawReasonRef = reasonEnum(
  'WithdrawReason',
  'Why a live offer is taken back (X12 1651).',
  WITHDRAW_REASONS,
);
export const ExceptionReasonRef = reasonEnum(
  'ExceptionReason',
  'What went wrong on the way (X12 214, element 1651).',
  EXCEPTION_REASONS,
);

const MoneyRef = builder.objectRef<Money>('Money').implement({
  description: 'A sum of money.',
  fields: (t) => ({
    amount: t.exposeString('amount', { description: 'A decimal: `1234.50`.' }),
    currency: t.exposeString('currency', { description: 'ISO 4217: `USD`.' }),
  }),
});

const OfferRef = builder.objectRef<Offer>('Offer').implement({
  description: 'A tender put to one carrier.',
  fields: (t) => ({
    id: t.id({ description: 'Global id.', resolve: ({ id }) => encodeGlobalId('Offer', id) }),
    carrierId: t.exposeString('carrierId', { description: 'Who is asked.' }),
    status: t.expose('status', { type: OfferStatusRef, description: 'What became of it.' }),
    rate: t.expose('rate', {
      type: MoneyRef,
      nullable: true,
      description: 'What is offered; after an accepted counter, what was agreed.',
    }),
    counterRate: t.expose('counterRate', {
      type: MoneyRef,
      nullable: true,
      description: 'What the carrier asks for instead.',
    }),
    note: t.exposeString('note', { nullable: true, description: 'What the carrier wrote with its counter.' }),
    sentAt: t.expose('sentAt', { type: 'DateTime', description: 'When the carrier was asked, last.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'From then on an answer is too late, by the server’s clock.',
    }),
    answeredAt: t.expose('answeredAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was answered, or ended otherwise.',
    }),
    reasonCode: t.exposeString('reasonCode', {
      nullable: true,
      description: 'Why it was declined or withdrawn.',
    }),
  }),
});

const DriverRef = builder.objectRef<ShownDriver>('Driver').implement({
  description:
    'Who drives. Name and number are shown to dispatchers, admins and the carrier that has the load.',
  fields: (t) => ({
    name: t.exposeString('name', { nullable: true, description: 'What the driver is called.' }),
    phone: t.exposeString('phone', { nullable: true, description: 'Where the driver is reached.' }),
    erased: t.exposeBoolean('erased', {
      description: 'True once the person was erased: nobody can tell any more who it was.',
    }),
  }),
});

/**
 * A tender. Resolvers return its row as the caller may see it (`asSeenBy`), or its id (a UUID in text form).
 */
export const TenderRef = builder.loadableNode(builder.objectRef<TenderRow>('Tender'), {
  description: 'An offer of a load to move (X12 204).',
  id: { resolve: (row) => row.id, description: 'Global id.' },
  loaderOptions: uncached,
  load: async (ids: string[], context) => {
    const access = requireAccess(context);
    const rows = await context.store.rows(tendersRead).byIds(ids);
    return rows.map((row) => row && asSeenBy(access, row)).filter((row) => row !== null);
  },
  // What is not found, or not the caller's to see, becomes null.
  sort: (row) => row.id,
  fields: (t) => ({
    status: t.expose('status', {
      type: TenderStatusRef,
      description: 'Where it stands; follows from its events.',
    }),
    reference: t.exposeString('reference', { nullable: true, description: 'The load’s number elsewhere.' }),
    fleetId: t.exposeString('fleetId', { nullable: true, description: 'The fleet that is to move it.' }),
    equipment: t.exposeString('equipment', { nullable: true, description: 'What it is to be moved with.' }),
    weightKg: t.exposeFloat('weightKg', { nullable: true, description: 'How heavy it is.' }),
    rate: t.expose('rate', {
      type: MoneyRef,
      nullable: true,
      description: 'What its offers are made at, unless they name a rate.',
    }),
    stops: t.field({ type: [StopRef], description: 'The way, in order.', resolve: stopsOf }),
    reports: t.field({
      type: [StopReportRef],
      description:
        'All that was reported of arrivals and departures, in the order in which it happened: of the stops that it has now and of those ' +
        'that an amendment took away, with the vehicle that has the load and with those before it. A carrier sees what happened while it had the load.',
      resolve: reportsOf,
    }),
    reportsNotShown: t.int({
      description:
        'How many more reports and exceptions were recorded: of more than 500 of either, the first and the last are shown, and `history` has all.',
      resolve: ({ reportsNotShown }) => reportsNotShown ?? 0,
    }),
    offers: t.field({
      type: [OfferRef],
      description: 'To carriers, in the order they were made. A carrier sees its own.',
      resolve: (row) => [...row.offers],
    }),
    acceptedOffer: t.field({
      type: OfferRef,
      nullable: true,
      description: 'The one that was accepted.',
      resolve: (row) => acceptedOffer(row.offers),
    }),
    driver: t.field({
      type: DriverRef,
      nullable: true,
      description: 'Who drives the vehicle, as far as it was told with the assignment.',
      resolve: ({ id, driver }, _args, context) =>
        driver === undefined ? null : showDriver(context, id, driver),
    }),
    exceptions: t.field({
      type: [TransitExceptionRef],
      description: 'What went wrong on the way, in the order in which it happened.',
      resolve: exceptionsOf,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When its first event was recorded.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When its last event was recorded.' }),
    lastEvent: t.expose('lastEvent', { type: EventRef, description: 'What happened to it last.' }),
    history: t.field({
      type: EventConnection,
      description:
        'All that was recorded of it, up to now, in the order of recording: who, why, when it happened and when it was told. A carrier sees what concerns it.',
      args: HISTORY_ARGS,
      resolve: async ({ id }, page, context) => {
        const access = requireAccess(context);
        // What a carrier may see goes by the tender as it is now, also where the question is about a time when it had the load.
        const row = isCarrier(access) ? await context.store.rows(tendersRead).byId(id) : null;
        const subject = { aggregateType: tender.type, id };
        return historyOf(context, subject, page, (event) => eventShownTo(access, event, row));
      },
    }),
  }),
});
