import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { eventually } from '../eventually.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { tenderMutation } from './documents.ts';
import { done, offered } from './tour.ts';

const CHANGES = `subscription($filter: TenderFilter) { tenderChanges(filter: $filter) { __typename
  ... on TendersSnapshot { complete } ... on TenderUpdated { event { type } tender { reference offers { carrierId } } } } }`;
/** Many times the same stops, under other names: some 400 KB an event. */
const HEAVY = `subscription { tenderChanges { __typename ... on TendersSnapshot { complete }
  ... on TenderUpdated { tender { weightKg ${Array.from({ length: 40 }, (_, n) => `s${n}: stops { name }`).join(' ')} } } } }`;
const STOPS = Array.from({ length: 50 }, (_, n) => ({
  kind: n === 0 ? 'PICKUP' : 'DELIVERY',
  name: `Straße ${n} 東京 `.repeat(12),
  longitude: -97.7,
  latitude: 30.2,
}));

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ limits: { pingMs: 600_000 } });
});
afterAll(() => gateway.close());

/** A socket and the texts that it has heard. */
interface Listener {
  readonly socket: WebSocket;
  readonly texts: string[];
  until(fits: (text: string) => boolean): Promise<void>;
}

async function listen(bearer: string, id: string, payload: object): Promise<Listener> {
  const socket = new WebSocket(gateway.url.replace('http', 'ws'), 'graphql-transport-ws');
  const texts: string[] = [];
  socket.on('message', (data) => texts.push(String(data)));
  const until = (fits: (text: string) => boolean) =>
    eventually(() => expect(texts.some(fits)).toBe(true), { lookMs: 10 });
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${bearer}` } }));
  await until((text) => text.includes('connection_ack'));
  socket.send(JSON.stringify({ type: 'subscribe', id, payload }));
  await until((text) => text.includes('"complete":true'));
  return { socket, texts, until };
}

const itemsOf = ({ texts }: Listener) =>
  texts.map((text) => JSON.parse(text)).filter((message) => message.type === 'next');

describe('G-04 subscribers who ask for the same', () => {
  it('get what is executed once, each under its own id, and whoever may see less gets less', async () => {
    const [ann, ben] = [await gateway.token({ sub: 'ann' }), await gateway.token({ sub: 'ben' })];
    const blue = await gateway.token({ role: 'carrier', carrierId: 'blue' });
    const green = await gateway.token({ role: 'carrier', carrierId: 'green' });
    const ids = ['1', 'a "quoted" one', 'größer 東京', '4', '5'];
    const [first = '', second = '', third = '', fourth = '', fifth = ''] = ids;
    const listeners = [
      await listen(ann, first, { query: CHANGES }),
      await listen(ben, second, { query: CHANGES }),
      await listen(ben, third, { query: CHANGES, variables: { filter: { status: ['OFFERED'] } } }),
      await listen(blue, fourth, { query: CHANGES }),
      await listen(green, fifth, { query: CHANGES }),
    ];
    const before = { ...gateway.metrics.results };
    const { tenderId } = await offered(gateway, 'blue');
    await done(gateway, tenderMutation('offerTender'), {
      tenderId,
      carrierId: 'green',
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
    const changes = [3, 3, 2, 2, 1];
    const heard = () => listeners.map((listener) => itemsOf(listener).length - 1);
    await eventually(() => expect(heard()).toEqual(changes));

    const items = listeners.map((listener) => itemsOf(listener).slice(1));
    expect(items.map((messages) => messages.map(({ id }) => id))).toEqual(
      items.map((messages, index) => messages.map(() => ids[index])),
    );
    const [anns, bens, offers, blues, greens] = items.map((messages) =>
      messages.map(({ payload }) => payload.data.tenderChanges),
    );
    expect(anns).toMatchObject([
      { event: { type: 'TenderCreated' } },
      { event: { type: 'TenderOffered' }, tender: { offers: [{ carrierId: 'blue' }] } },
      { tender: { offers: [{ carrierId: 'blue' }, { carrierId: 'green' }] } },
    ]);
    expect(bens).toEqual(anns);
    expect(offers).toEqual(anns?.slice(1));
    expect(blues?.at(-1).tender.offers).toEqual([{ carrierId: 'blue' }]);
    expect(greens?.at(-1).tender.offers).toEqual([{ carrierId: 'green' }]);
    const { shared, alone } = gateway.metrics.results;
    expect({ shared: shared - before.shared, alone: alone - before.alone }).toEqual({
      shared: items.flat().length,
      alone: 0,
    });
    expect(await gateway.metrics.registry.metrics()).toContain('waybill_shared_result_bytes');
    for (const { socket } of listeners) socket.terminate();
    await eventually(async () =>
      expect((await gateway.metrics.subscriptions.get()).values.every(({ value }) => value === 0)).toBe(true),
    );
  });
});

describe('G-05 a reader that pauses beside one that does not', () => {
  it('gets every message whole and in order when it goes on', async () => {
    const token = await gateway.token();
    const slow = await listen(token, 'slow', { query: HEAVY });
    const fast = await listen(token, 'fast', { query: HEAVY });
    const created = await done(gateway, tenderMutation('createTender'), { stops: STOPS });
    await slow.until((text) => text.includes('TenderUpdated'));
    slow.socket.pause();
    let weightKg = 0;
    // Until what the system holds for a socket is full, and some more.
    for (let more = 3; more > 0; more -= gateway.feed.waiting().ordered > 0 ? 1 : 0) {
      weightKg += 1;
      await done(gateway, tenderMutation('amendTender'), { tenderId: created.tender.id, weightKg });
      await fast.until((text) => text.includes(`"weightKg":${weightKg},`));
    }
    slow.socket.resume();
    await slow.until((text) => text.includes(`"weightKg":${weightKg},`));
    const [slows, fasts] = [slow, fast].map((listener) => itemsOf(listener).map(({ payload }) => payload));
    expect(slows).toEqual(fasts);
    expect(slows?.slice(2).map(({ data }) => data.tenderChanges.tender.weightKg)).toEqual(
      Array.from({ length: weightKg }, (_, index) => index + 1),
    );
    for (const { socket } of [slow, fast]) socket.terminate();
  }, 60_000);
});
