import { expect } from 'vitest';
import type { Data, TestGateway } from '../gateway.ts';
import { inHours, LOAD, REGISTER_VEHICLE, tenderMutation } from './documents.ts';

/** All that a tour needs of a gateway. */
type Gateway = Pick<TestGateway, 'data'>;

/** Ids of what a tour has made, as the public API gave them. */
export interface Tour {
  readonly tenderId: string;
  readonly offerId: string;
  readonly vehicleId: string;
}

/** Sends a mutation whose answer is called `result`, and fails the test where it is refused. */
export async function done(gateway: Gateway, document: string, input: object, token?: string): Promise<Data> {
  const { result } = await gateway.data(document, { input }, token);
  expect(result.code, JSON.stringify(result)).toBeUndefined();
  return result;
}

/** Creates a tender and offers it to a carrier for an hour. */
export async function offered(
  gateway: Gateway,
  carrierId: string,
  token?: string,
): Promise<Pick<Tour, 'tenderId' | 'offerId'>> {
  const created = await done(gateway, tenderMutation('createTender'), LOAD, token);
  const tenderId: string = created.tender.id;
  const offer = await done(
    gateway,
    tenderMutation('offerTender'),
    { tenderId, carrierId, expiresAt: inHours(1) },
    token,
  );
  return { tenderId, offerId: offer.tender.offers[0].id };
}

/** The life of a tender: created, offered, accepted, assigned, departed, arrived, completed. */
export async function tour(gateway: Gateway, token?: string): Promise<Tour> {
  const plate = `T ${Math.random().toString(36).slice(2, 9)}`;
  const { vehicle } = await done(
    gateway,
    REGISTER_VEHICLE,
    { licensePlate: plate, fleetId: 'fleet-1' },
    token,
  );
  const { tenderId, offerId } = await offered(gateway, 'carrier-1', token);
  const step = (name: string, input: object, type?: string) =>
    done(gateway, tenderMutation(name, type), { tenderId, ...input }, token);
  await step('acceptTender', { offerId });
  await step('assignTender', { vehicleId: vehicle.id });
  for (const stopSequence of [1, 2]) {
    await step('reportArrival', { stopSequence }, 'ReportStopInput');
    await step('reportDeparture', { stopSequence }, 'ReportStopInput');
  }
  await step('completeTender', {});
  return { tenderId, offerId, vehicleId: vehicle.id };
}

/** What the log has of it, step by step. */
export const STEPS = [
  'TenderCreated',
  'TenderOffered',
  'TenderAccepted',
  'TenderAssigned',
  'StopArrived',
  'StopDeparted',
  'StopArrived',
  'StopDeparted',
  'TenderCompleted',
];
