import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway, type Who } from '../gateway.ts';
import { inHours, LOAD, tenderMutation } from '../journey/documents.ts';
import { done, offered } from '../journey/tour.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const carrier = (carrierId: string, sub: string): Who => ({ role: 'carrier', carrierId, sub });

/** A tender that is offered to two carriers. */
async function offeredTwice(): Promise<string> {
  const { tenderId } = await offered(gateway, 'ACME');
  await done(gateway, tenderMutation('offerTender'), {
    ...{ tenderId, carrierId: 'BOLT', expiresAt: inHours(1) },
  });
  return tenderId;
}

async function give(name: string, input: object, who: Who) {
  const answer = await gateway.graphql(tenderMutation(name), { input }, await gateway.token(who));
  expect(answer.errors).toBeUndefined();
  return answer.data.result;
}

describe('a command that comes again with its key', () => {
  it('is answered as before to the same caller', async () => {
    const input = { tenderId: await offeredTwice(), idempotencyKey: 'same' };
    const who = carrier('ACME', 'clerk');
    expect(await give('acceptTender', input, who)).toMatchObject({ repeated: false });
    expect(await give('acceptTender', input, who)).toMatchObject({ repeated: true });
  });

  it('is the other carrier’s own, though both call themselves the same', async () => {
    const input = { tenderId: await offeredTwice(), idempotencyKey: 'carrier' };
    await give('acceptTender', input, carrier('ACME', 'carrier'));
    const without = { tenderId: input.tenderId };
    const first = await give('acceptTender', without, carrier('BOLT', 'carrier'));
    expect(first).toMatchObject({ code: 'OFFER_ENDED' });
    expect(await give('acceptTender', input, carrier('BOLT', 'carrier'))).toEqual(first);
    // Whether a key was used by someone else makes no difference to what is answered.
    const fresh = { ...input, idempotencyKey: 'never used' };
    expect(await give('acceptTender', fresh, carrier('BOLT', 'other'))).toEqual(first);
  });

  it.each([
    ['a carrier that was never asked', carrier('CARGO', 'clerk'), 'NOT_FOUND'],
    ['a driver', { role: 'driver', sub: 'clerk' } as const, 'FORBIDDEN'],
    ['a rider', { role: 'rider', sub: 'clerk' } as const, 'FORBIDDEN'],
  ])('is refused to %s as the first would be', async (_who, who, code) => {
    const input = { tenderId: await offeredTwice(), idempotencyKey: 'clerk' };
    const dispatcher = { role: 'dispatcher', sub: 'clerk' } as const;
    const { offers } = (
      await gateway.data('query ($id: ID!) { tender(id: $id) { offers { id } } }', { id: input.tenderId })
    ).tender;
    const named = { ...input, offerId: offers[0].id };
    expect(await give('acceptTender', named, dispatcher)).toMatchObject({ repeated: false });
    expect(await give('acceptTender', named, who)).toMatchObject({ code });
    expect(await give('acceptTender', { ...named, idempotencyKey: 'never used' }, who)).toMatchObject({
      code,
    });
  });

  it('is another command in another role', async () => {
    const input = { ...LOAD, idempotencyKey: 'load' };
    await give('createTender', input, { role: 'dispatcher', sub: 'ann' });
    expect(await give('createTender', input, { role: 'admin', sub: 'ann' })).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });
});

describe('what a carrier asks for by carriers', () => {
  const LIST = 'query ($of: [String!]) { tenders(filter: { carrierId: $of }) { nodes { id } } }';

  it('never tells whether another one was asked', async () => {
    const tenderId = await offeredTwice();
    const token = await gateway.token(carrier('ACME', 'clerk'));
    const ids = async (of: string[]) =>
      (await gateway.data(LIST, { of }, token)).tenders.nodes.map(({ id }: { id: string }) => id);
    expect(await ids(['BOLT'])).toEqual([]);
    expect(await ids(['ACME'])).toContain(tenderId);
    expect(await ids(['BOLT', 'ACME'])).toContain(tenderId);
  });
});

describe('a text with characters that steer other programs', () => {
  const CONTROLS = ['\u0000', '\r\n', '\u001b[2J', '\u0085', '\u2028', '\u007f'];

  it.each(CONTROLS.map((text) => [JSON.stringify(text), text]))(
    '%s has no place in a name',
    async (_, text) => {
      const dispatcher = { role: 'dispatcher', sub: 'ann' } as const;
      const refused = await give('createTender', { ...LOAD, reference: `L${text}1` }, dispatcher);
      expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'reference' });
    },
  );

  it('may have lines and tabs where a person explains, and nothing else', async () => {
    const { tenderId } = await offered(gateway, 'ACME');
    const input = { tenderId, rate: { amount: '10', currency: 'USD' } };
    const who = carrier('ACME', 'clerk');
    expect(await give('counterTender', { ...input, note: 'a\u001bb' }, who)).toMatchObject({
      ...{ code: 'INVALID_INPUT', field: 'note' },
    });
    expect(await give('counterTender', { ...input, note: 'one\r\n\ttwo' }, who)).toMatchObject({
      repeated: false,
    });
  });

  it('is no key where it is longer than a key can be', async () => {
    const dispatcher = { role: 'dispatcher', sub: 'ann' } as const;
    const long = { ...LOAD, idempotencyKey: 'k'.repeat(256) };
    expect(await give('createTender', long, dispatcher)).toMatchObject({
      ...{ code: 'INVALID_INPUT', field: 'idempotencyKey' },
    });
    const fits = { ...LOAD, idempotencyKey: 'k'.repeat(255) };
    expect(await give('createTender', fits, dispatcher)).toMatchObject({ repeated: false });
  });
});
