import type { Data, TestGateway, Who } from '../gateway.ts';

/** Someone who speaks GraphQL to a gateway about tenders. */
export interface Desk {
  ask(source: string, variables?: Record<string, unknown>): Promise<Data>;
  /** Gives a mutation `name(input: $input)` and returns its result, payload or refusal. */
  give(name: string, input: Record<string, unknown>): Promise<Data>;
}

const RESULT = `{
  __typename
  ... on TenderPayload { repeated tender { id status } events { type payload reasonCode actor { id role } } }
  ... on Refusal { code message }
  ... on InvalidInput { field }
}`;

export async function openDesk(gateway: TestGateway, who: Who = {}): Promise<Desk> {
  const token = await gateway.token(who);
  const ask: Desk['ask'] = (source, variables = {}) => gateway.data(source, variables, token);
  return {
    ask,
    async give(name, input) {
      const type = name.startsWith('report') ? 'ReportStop' : `${name[0]?.toUpperCase()}${name.slice(1)}`;
      const document = `mutation Give($input: ${type}Input!) { result: ${name}(input: $input) ${RESULT} }`;
      return (await ask(document, { input })).result;
    },
  };
}

export const STOPS = [
  {
    kind: 'PICKUP',
    name: 'Austin',
    longitude: -97.74,
    latitude: 30.27,
    arriveFrom: '2026-03-01T08:00:00Z',
  },
  { kind: 'DELIVERY', name: 'Waco', longitude: -97.15, latitude: 31.55 },
];

/** An hour from now. */
export const soon = (): string => new Date(Date.now() + 3_600_000).toISOString();

/** Enters a tender and returns its id. */
export async function created(desk: Desk, over: Record<string, unknown> = {}): Promise<string> {
  return (await desk.give('createTender', { stops: STOPS, fleetId: 'north', ...over })).tender.id;
}

/** Enters a tender, offers it to carriers, and returns its id. */
export async function offeredTo(desk: Desk, ...carriers: string[]): Promise<string> {
  const tenderId = await created(desk);
  for (const carrierId of carriers) {
    const rate = { amount: '900.00', currency: 'USD' };
    await desk.give('offerTender', { tenderId, carrierId, rate, expiresAt: soon() });
  }
  return tenderId;
}
