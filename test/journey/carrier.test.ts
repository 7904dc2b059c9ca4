import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../gateway.ts';
import { collect } from '../items.ts';
import { inHours, TENDER_CHANGES, tenderMutation } from './documents.ts';
import { done, offered, tour } from './tour.ts';
import { NO_COST_LIMITS, operation, rootFields } from './walk.ts';

const RIVAL = 'carrier-rival';

let gateway: TestGateway;
let carrier: string;
/** Offered to both carriers. */
let shared: { tenderId: string; offerId: string };
let rivalOfferId: string;
/** Offered to the rival alone. */
let foreign: { tenderId: string; offerId: string };

beforeAll(async () => {
  gateway = await startGateway({ limits: { ...NO_COST_LIMITS } });
  carrier = await gateway.token({ role: 'carrier', carrierId: 'carrier-own', sub: 'own-clerk' });
  shared = await offered(gateway, 'carrier-own');
  const both = await done(gateway, tenderMutation('offerTender'), {
    tenderId: shared.tenderId,
    carrierId: RIVAL,
    expiresAt: inHours(1),
  });
  rivalOfferId = both.tender.offers[1].id;
  foreign = await offered(gateway, RIVAL);
  await tour(gateway);
});
afterAll(() => gateway.close());

/** What stands in this way only where a carrier may not look. */
function hidden(): string[] {
  return [RIVAL, rivalOfferId, foreign.tenderId, foreign.offerId];
}

function expectNothingHidden(answer: unknown, what: string): void {
  const text = JSON.stringify(answer);
  for (const secret of hidden()) expect(text.includes(secret), `${what} shows ${secret}`).toBe(false);
}

describe('G-08 a carrier', () => {
  it.each(rootFields('query').map((field) => [field.name, field] as const))(
    'sees nothing of its rivals through query %s',
    async (name, field) => {
      const ids = [shared.tenderId, foreign.tenderId];
      for (const known of [
        {},
        { ids, carrierId: RIVAL },
        { id: foreign.tenderId },
        { id: shared.tenderId },
      ]) {
        const { document, variables } = operation('query', field, known);
        const answer = await gateway.graphql(document, variables, carrier);
        expectNothingHidden(answer, `${name}(${JSON.stringify(variables)})`);
        const withheld = /^(vehicle|route|fleets|events|projections)/.test(name);
        if (withheld) expect(answer.errors?.[0]?.extensions.code, name).toBe('FORBIDDEN');
      }
    },
  );

  it('may subscribe to its tenders, and to nothing else', async () => {
    for (const field of rootFields('subscription')) {
      if (field.name === 'tenderChanges') continue;
      const { document, variables } = operation('subscription', field, {});
      const answer = await gateway.graphql(document, variables, carrier);
      expect(answer.errors?.[0]?.extensions.code, field.name).toBe('FORBIDDEN');
      const socket = gateway.socket(carrier);
      const { value } = await socket.iterate({ query: document, variables }).next();
      expect(value?.errors?.[0]?.extensions?.code, field.name).toBe('FORBIDDEN');
    }
  });

  it('is told live of its own offers, and of another’s only that something happened', async () => {
    const items = collect(gateway.socket(carrier).iterate({ query: TENDER_CHANGES }), 'tenderChanges');
    await items.until((item) => item.complete);
    await done(gateway, tenderMutation('declineTender'), {
      tenderId: foreign.tenderId,
      offerId: foreign.offerId,
      reasonCode: 'DRIVER_NOT_AVAILABLE',
    });
    await done(gateway, tenderMutation('withdrawOffer'), {
      tenderId: shared.tenderId,
      offerId: rivalOfferId,
    });
    await done(gateway, tenderMutation('acceptTender'), { tenderId: shared.tenderId }, carrier);

    await items.until((item) => item.event?.type === 'TenderAccepted');
    const seen = items.all.filter((item) => item.tender?.id === shared.tenderId);
    expect(seen.map((item) => item.event.type)).toEqual(['TenderOfferWithdrawn', 'TenderAccepted']);
    expect(seen[0].event).toMatchObject({ payload: {}, actor: { id: 'withheld' } });
    expect(seen[1].event.actor).toEqual({ id: 'own-clerk', role: 'carrier' });
    expectNothingHidden(items.all, 'tenderChanges');
    items.stop();
  });

  it('commands nothing but its own offers', async () => {
    for (const field of rootFields('mutation')) {
      const known = { tenderId: foreign.tenderId, offerId: foreign.offerId };
      const { document, variables } = operation('mutation', field, known);
      const answer = await gateway.graphql(document, variables, carrier);
      const text = JSON.stringify(answer);
      expect(text, `${field.name}: ${text}`).toMatch(/FORBIDDEN|NOT_FOUND/);
      expectNothingHidden(answer, field.name);
    }
  });
});
