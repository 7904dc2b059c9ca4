import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/eventstore/ids.ts';
import { registeredVehicle } from '../dispatch/stage.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { collect } from '../items.ts';
import { created, type Desk, offeredTo, openDesk, STOPS, soon } from './desk.ts';

let gateway: TestGateway;
let dora: Desk;
let acme: Desk;
let bolt: Desk;
let stranger: Desk;

beforeAll(async () => {
  gateway = await startGateway();
  dora = await openDesk(gateway);
  acme = await openDesk(gateway, { role: 'carrier', carrierId: 'ACME' });
  bolt = await openDesk(gateway, { role: 'carrier', carrierId: 'BOLT' });
  stranger = await openDesk(gateway, { tenant: 'elsewhere' });
});
afterAll(() => gateway.close());

describe('a tender from beginning to end', () => {
  it('goes through every state, each command answered with what it left', async () => {
    const truck = `vehicle_${await registeredVehicle(gateway.store)}`;
    const tenderId = await offeredTo(dora, 'ACME', 'BOLT');
    const steps: [Desk, string, Record<string, unknown>, string, string[]][] = [
      [acme, 'counterTender', { rate: { amount: '950', currency: 'USD' } }, 'OFFERED', ['TenderCountered']],
      [dora, 'answerCounter', { accepted: true }, 'ACCEPTED', ['CounterAnswered']],
      [dora, 'assignTender', { vehicleId: truck }, 'ASSIGNED', ['TenderAssigned', 'VehicleReserved']],
      [acme, 'reportArrival', { stopSequence: 1 }, 'ASSIGNED', ['StopArrived']],
      [dora, 'reportDeparture', { stopSequence: 1 }, 'IN_TRANSIT', ['StopDeparted', 'TripStarted']],
      [acme, 'raiseException', { reasonCode: 'WEATHER_OR_DISASTER' }, 'IN_TRANSIT', ['ExceptionRaised']],
      [acme, 'reportArrival', { stopSequence: 2 }, 'IN_TRANSIT', ['StopArrived']],
      [dora, 'completeTender', {}, 'COMPLETED', ['TenderCompleted', 'TripEnded']],
    ];
    for (const [desk, name, input, status, types] of steps) {
      // The counter proposal is ACME's, and so the only one that can be meant.
      const result = await desk.give(name, { tenderId, ...input });
      expect(result, name).toMatchObject({
        __typename: 'TenderPayload',
        repeated: false,
        tender: { status },
      });
      expect(result.events.map((event: { type: string }) => event.type)).toEqual(types);
    }
    const data = await dora.ask(
      `query One($id: ID!) { tender(id: $id) {
        status fleetId offers { id carrierId status rate { amount } } acceptedOffer { rate { amount currency } }
        vehicle { id } stops { sequence name arriveFrom arrivedAt departedAt } exceptions { reasonCode }
        lastEvent { type actor { role } } } }`,
      { id: tenderId },
    );
    expect(data.tender).toMatchObject({
      status: 'COMPLETED',
      fleetId: 'north',
      acceptedOffer: { rate: { amount: '950', currency: 'USD' } },
      vehicle: { id: truck },
      exceptions: [{ reasonCode: 'WEATHER_OR_DISASTER' }],
      lastEvent: { type: 'TenderCompleted', actor: { role: 'dispatcher' } },
    });
    expect(data.tender.offers[0].id).toMatch(/^offer_/);
    expect(data.tender.stops[0]).toMatchObject({ arriveFrom: '2026-03-01T08:00:00.000Z', sequence: 1 });
  });
});

describe('a command that comes again with its key', () => {
  it('is answered with the first result', async () => {
    const input = { stops: STOPS, idempotencyKey: 'once' };
    const results = await Promise.all(Array.from({ length: 32 }, () => dora.give('createTender', input)));
    expect(new Set(results.map((result) => result.tender.id)).size).toBe(1);
    expect(results.filter((result) => result.repeated)).toHaveLength(31);
    const other = await dora.give('createTender', { ...input, reference: 'another' });
    expect(other).toMatchObject({ __typename: 'Conflict', code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('makes one offer', async () => {
    const [one, two] = [await created(dora), await created(dora)];
    const input = { carrierId: 'ACME', expiresAt: soon(), idempotencyKey: 'offer-1' };
    await dora.give('offerTender', { tenderId: one, ...input });
    expect(await dora.give('offerTender', { tenderId: one, ...input })).toMatchObject({ repeated: true });
    await dora.give('offerTender', { tenderId: two, ...input });
    const ids = await dora.ask('{ tenders(first: 2, orderBy: NEWEST_FIRST) { nodes { offers { id } } } }');
    const [a, b] = ids.tenders.nodes.map((node: { offers: { id: string }[] }) => node.offers[0]?.id);
    expect(a).not.toBe(b);
  });

  it('needs a key that is one', async () => {
    const refused = await dora.give('createTender', { stops: STOPS, idempotencyKey: '' });
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'idempotencyKey' });
  });
});

describe('input that is out of range', () => {
  it.each([
    [{ stops: STOPS.slice(0, 1) }, 'stops'],
    [{ stops: [...STOPS].reverse() }, 'stops'],
    [{ stops: [STOPS[0], { ...STOPS[1], latitude: 91 }] }, 'stops.1.latitude'],
    [
      {
        stops: [
          STOPS[0],
          { ...STOPS[1], arriveFrom: '2026-03-02T08:00:00Z', arriveBy: '2026-03-01T08:00:00Z' },
        ],
      },
      'stops.1.arriveBy',
    ],
    [{ stops: STOPS, weightKg: 0 }, 'weightKg'],
    [{ stops: STOPS, rate: { amount: '1e9', currency: 'USD' } }, 'rate.amount'],
    [{ stops: STOPS, rate: { amount: '1', currency: 'usd' } }, 'rate.currency'],
    [{ stops: STOPS, reference: 'x'.repeat(201) }, 'reference'],
    [{ stops: STOPS, id: 'mine' }, 'id'],
    [{ stops: STOPS, occurredAt: '2999-01-01T00:00:00Z' }, 'occurredAt'],
  ])('is refused with the field: %j', async (input, field) => {
    expect(await dora.give('createTender', input)).toMatchObject({ __typename: 'InvalidInput', field });
  });

  it('keeps an id of the client’s own', async () => {
    const id = newId();
    expect(await created(dora, { id })).toBe(`tender_${id}`);
    expect(await dora.give('createTender', { stops: STOPS, id })).toMatchObject({ code: 'ALREADY_EXISTS' });
  });
});

describe('a carrier', () => {
  it('sees the tenders it was asked to take, and of their offers its own', async () => {
    const tenderId = await offeredTo(dora, 'ACME', 'BOLT');
    const query =
      'query One($id: ID!) { tender(id: $id) { offers { carrierId } lastEvent { payload } } node(id: $id) { id } }';
    expect(await acme.ask(query, { id: tenderId })).toMatchObject({
      tender: { offers: [{ carrierId: 'ACME' }], lastEvent: { payload: {} } },
      node: { id: tenderId },
    });
    const unasked = await created(dora);
    expect(await acme.ask(query, { id: unasked })).toEqual({ tender: null, node: null });
    const data = await bolt.ask('{ tenders { nodes { offers { carrierId } } } }');
    expect(data.tenders.nodes.length).toBeGreaterThan(0);
    for (const node of data.tenders.nodes) expect(node.offers).toEqual([{ carrierId: 'BOLT' }]);
  });

  it('answers its own offer only, and dispatches nothing', async () => {
    const tenderId = await offeredTo(dora, 'BOLT');
    expect(await acme.give('acceptTender', { tenderId })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await bolt.give('cancelTender', { tenderId, reasonCode: 'OTHER' })).toMatchObject({
      __typename: 'Forbidden',
    });
    expect(await bolt.give('declineTender', { tenderId, reasonCode: 'RATE_TOO_LOW' })).toMatchObject({
      tender: { status: 'EXHAUSTED' },
      events: [{ type: 'TenderDeclined', reasonCode: 'RATE_TOO_LOW' }],
    });
  });

  it('that answers too late is refused, and that is recorded', async () => {
    const tenderId = await offeredTo(dora, 'ACME', 'BOLT');
    await acme.give('acceptTender', { tenderId });
    expect(await bolt.give('acceptTender', { tenderId })).toMatchObject({
      __typename: 'InvalidTransition',
      code: 'OFFER_ENDED',
    });
    const data = await dora.ask('query One($id: ID!) { tender(id: $id) { lastEvent { type } } }', {
      id: tenderId,
    });
    expect(data.tender.lastEvent.type).toBe('TenderResponseRejectedLate');
  });
});

describe('another tenant', () => {
  it('finds nothing, and can do nothing', async () => {
    const id = await offeredTo(dora, 'ACME');
    const data = await stranger.ask('query One($id: ID!) { tender(id: $id) { id } node(id: $id) { id } }', {
      id,
    });
    expect(data).toEqual({ tender: null, node: null });
    expect((await stranger.ask('{ tenders { nodes { id } } }')).tenders.nodes).toEqual([]);
    expect(await stranger.give('cancelTender', { tenderId: id, reasonCode: 'OTHER' })).toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

describe('time travel', () => {
  it('shows a tender as it was, and as it was known', async () => {
    const tenderId = await offeredTo(dora, 'ACME');
    const before = new Date(Date.now() + 1).toISOString();
    await expect.poll(() => new Date().toISOString() > before).toBe(true);
    await dora.give('cancelTender', { tenderId, reasonCode: 'DUPLICATE' });
    const data = await dora.ask(
      `query Past($id: ID!, $at: DateTime!) {
        now: tender(id: $id) { status }
        past: tender(id: $id, asOf: $at) { status }
        known: tender(id: $id, knownAt: $at) { status }
        never: tender(id: $id, asOf: "2020-01-01T00:00:00Z") { status } }`,
      { id: tenderId, at: before },
    );
    expect(data).toEqual({
      now: { status: 'CANCELLED' },
      past: { status: 'OFFERED' },
      known: { status: 'OFFERED' },
      never: null,
    });
  });
});

describe('a list of tenders', () => {
  it('comes in pages that fit together, both ways', async () => {
    const fleetId = newId();
    const ids: string[] = [];
    for (let i = 0; i < 7; i += 1) ids.push(await created(dora, { fleetId }));
    const page = `query Page($fleet: [String!], $first: Int, $after: String, $last: Int, $before: String) {
      tenders(filter: { fleetId: $fleet }, orderBy: OLDEST_FIRST, first: $first, after: $after, last: $last, before: $before) {
        nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const data = await dora.ask(page, { fleet: [fleetId], first: 3, after });
      seen.push(...data.tenders.nodes.map((node: { id: string }) => node.id));
      after = data.tenders.pageInfo.hasNextPage ? data.tenders.pageInfo.endCursor : null;
    } while (after !== null);
    expect(seen).toEqual(ids);
    const data = await dora.ask(page, { fleet: [fleetId], last: 2 });
    expect(data.tenders.nodes.map((node: { id: string }) => node.id)).toEqual(ids.slice(5));
    expect(data.tenders.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  });
});

describe('a list of tenders that change while it is read', () => {
  it('has each of them once, unless another order was asked for', async () => {
    const fleetId = newId();
    const ids: string[] = [];
    for (let i = 0; i < 6; i += 1) ids.push(await created(dora, { fleetId }));
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { tenders } = await dora.ask(
        `query ($fleet: [String!], $after: String) {
          tenders(filter: { fleetId: $fleet }, first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }`,
        { fleet: [fleetId], after },
      );
      seen.push(...tenders.nodes.map((node: { id: string }) => node.id));
      after = tenders.pageInfo.hasNextPage ? tenders.pageInfo.endCursor : null;
      for (const tenderId of ids) await dora.give('amendTender', { tenderId, weightKg: seen.length });
    } while (after !== null);
    expect(seen).toEqual(ids.toReversed());
  });
});

describe('the live board', () => {
  it('shows the tenders that match, then every event, in order, and what leaves', async () => {
    const before = await offeredTo(dora, 'ACME');
    const socket = gateway.socket(await gateway.token());
    const items = collect(
      socket.iterate({
        query: `subscription Board { tenderChanges(filter: { carrierId: ["ACME"], status: [OFFERED, ACCEPTED] }) {
          __typename
          ... on Change { cursor }
          ... on TendersSnapshot { complete tenders { id status } }
          ... on TenderUpdated { tender { id status } event { type } }
          ... on TenderLeft { id } } }`,
      }),
      'tenderChanges',
    );
    await items.until((item) => item.complete === true);
    const shown = items.all.flatMap((item) => item.tenders ?? []);
    expect(shown).toContainEqual({ id: before, status: 'OFFERED' });
    const id = await offeredTo(dora, 'ACME', 'BOLT');
    await acme.give('acceptTender', { tenderId: id });
    await dora.give('cancelTender', { tenderId: id, reasonCode: 'OTHER' });
    await items.until((item) => item.__typename === 'TenderLeft' && item.id === id);
    const own = items.all.filter((item) => item.tender?.id === id);
    expect(own.map((item) => item.event.type)).toEqual(['TenderOffered', 'TenderOffered', 'TenderAccepted']);
    items.stop();
  });

  it('shows a carrier its own offers only', async () => {
    const socket = gateway.socket(await gateway.token({ role: 'carrier', carrierId: 'ACME' }));
    const items = collect(
      socket.iterate({
        query: `subscription Mine { tenderChanges { __typename
          ... on TendersSnapshot { complete tenders { offers { carrierId } } }
          ... on TenderUpdated { tender { id offers { carrierId } } event { type payload actor { id } } } } }`,
      }),
      'tenderChanges',
    );
    await items.until((item) => item.complete === true);
    await offeredTo(dora, 'BOLT');
    const id = await offeredTo(dora, 'ACME', 'BOLT');
    await bolt.give('declineTender', { tenderId: id, reasonCode: 'OTHER' });
    await items.until((item) => item.event?.type === 'TenderDeclined');
    const text = JSON.stringify(items.all);
    expect(text).not.toContain('BOLT');
    expect(items.all.at(-1)).toMatchObject({ event: { payload: {}, actor: { id: 'withheld' } } });
    items.stop();
  });

  it('cannot be resumed yet, and says so', async () => {
    const socket = gateway.socket(await gateway.token());
    const items = collect(
      socket.iterate({ query: 'subscription { tenderChanges(after: "x") { __typename } }' }),
      'tenderChanges',
    );
    await expect.poll(() => JSON.stringify(String(items.end?.error))).toContain('INVALID_CURSOR');
  });
});
