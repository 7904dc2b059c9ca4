import { type Refusal, refusal } from '../refusal.ts';
import type { TenderCommand } from './command.ts';
import { acceptedOffer } from './offer.ts';
import type { TenderState } from './state.ts';

type CommandType = TenderCommand['type'];

const ANSWERS: readonly CommandType[] = ['AcceptTender', 'DeclineTender', 'CounterTender'];
const REPORTS: readonly CommandType[] = ['ReportArrival', 'ReportDeparture', 'RaiseException'];

/**
 * Who may do what to a tender: dispatcher, admin and system everything; a carrier answers its own offers and reports
 * on what it has accepted; a driver reports.
 * @returns FORBIDDEN, or NOT_FOUND for a carrier that was never asked: to it, the tender does not exist
 */
export function forbids(state: TenderState, { type, by }: TenderCommand): Refusal | undefined {
  switch (by.role) {
    case 'dispatcher':
    case 'admin':
    case 'system':
      return undefined;
    case 'driver':
      return REPORTS.includes(type) ? undefined : refusal('FORBIDDEN');
    case 'carrier':
      return forbidsCarrier(state, type, by.carrierId);
    default:
      return refusal('FORBIDDEN');
  }
}

function forbidsCarrier(state: TenderState, type: CommandType, carrierId?: string): Refusal | undefined {
  const reports = REPORTS.includes(type);
  if (carrierId === undefined || !(reports || ANSWERS.includes(type))) return refusal('FORBIDDEN');
  if (state.status === 'NEW') return refusal('NOT_FOUND');
  const { offers } = state.load;
  if (!offers.some((offer) => offer.carrierId === carrierId)) return refusal('NOT_FOUND');
  if (!reports || acceptedOffer(offers)?.carrierId === carrierId) return undefined;
  return refusal('FORBIDDEN', 'Only the carrier whose offer was accepted may report on a tender.');
}
