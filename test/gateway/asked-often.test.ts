import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { done } from '../journey/tour.ts';
import { BY, REGISTER } from '../vehicle/documents.ts';

/** How often a document is asked, which a gateway may come to know better meanwhile. */
const TIMES = 41;

const PLAN = `mutation ($input: PlanRouteInput!) {
  planRoute(input: $input) { ... on RoutePayload { route { id vehicle { id } distanceM durationS } } } }`;
const ADJUST = `mutation ($id: ID!, $key: String, $v: ID, $d: Float, $t: Float) {
  adjustRoute(input: { routeId: $id, idempotencyKey: $key, vehicleId: $v, distanceM: $d, durationS: $t, reasonCode: TRAFFIC }) {
    ... on RoutePayload { repeated route { vehicle { id } distanceM durationS } } ... on Refusal { code } } }`;

let gateway: TestGateway;
let token: string;
let vehicleId: string;
beforeAll(async () => {
  gateway = await startGateway();
  token = await gateway.token();
  const { vehicle } = await done(gateway, REGISTER, { licensePlate: 'OFTEN 1' });
  vehicleId = vehicle.id;
  await eventually(async () => expect((await gateway.data(BY, { id: vehicleId })).vehicle).not.toBeNull());
});
afterAll(() => gateway.close());

type Ask = (query: string, variables: object) => Promise<Data>;

/** Posts, with headers that lead to one way or another through the gateway. */
const posting =
  (headers: Record<string, string>): Ask =>
  async (query, variables) => {
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    const event = /^event: next\ndata: (.*)$/m.exec(text)?.[1];
    return JSON.parse(event ?? text);
  };

const WAYS: readonly (readonly [way: string, ask: Ask])[] = [
  ['a plain POST', posting({})],
  ['a POST that Yoga handles', posting({ 'content-type': 'application/json; charset="utf-8"' })],
  ['an event stream', posting({ accept: 'text/event-stream' })],
  [
    'a WebSocket',
    async (query, variables) => {
      const socket = gateway.socket(token);
      for await (const result of socket.iterate({ query, variables: { ...variables } })) return result;
    },
  ],
];

describe.each(WAYS)('a document that is asked again and again, by %s', (_way, ask) => {
  it('leaves alone what its variables do not give, each time', async () => {
    const stops = [
      { name: 'Berlin', longitude: 13.4, latitude: 52.5 },
      { name: 'Leipzig', longitude: 12.4, latitude: 51.3 },
    ];
    const input = { vehicleId, stops, distanceM: 190_000, durationS: 7_200 };
    const planned = await ask(PLAN, { input });
    const { id } = planned.data.planRoute.route;
    for (let time = 1; time <= TIMES; time += 1) {
      const answer = await ask(ADJUST, { id, key: `${time}`, t: 7_200 + time });
      expect(JSON.stringify(answer.data), `asked ${time} times`).toBe(
        `{"adjustRoute":{"repeated":false,"route":{"vehicle":{"id":"${vehicleId}"},"distanceM":190000,"durationS":${7_200 + time}}}}`,
      );
    }
    const cleared = await ask(ADJUST, { id, key: 'clear', v: null, d: null });
    expect(cleared.data.adjustRoute.route).toEqual({
      vehicle: null,
      distanceM: null,
      durationS: 7_200 + TIMES,
    });
  });

  it('is no program, whatever texts are in it', async () => {
    // A compiler of documents once put this into its code as it stands.
    const id = '__MAGIC_DATE__33a9e76d_02e0_4128_8e92_3530ad3da74dglobalThis.ran=true';
    for (let time = 1; time <= TIMES; time += 1)
      expect(await ask(`{ tender(id: "${id}") { id } }`, {})).toMatchObject({ data: { tender: null } });
    expect('ran' in globalThis).toBe(false);
  });
});
