import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLES } from '../../src/eventstore/event.ts';
import { type Answer, startGateway, type TestGateway } from '../gateway.ts';
import { collect } from '../items.ts';
import { inHours, LOAD, REGISTER_VEHICLE, TRACK_LOCATION, tenderMutation } from './documents.ts';
import { done, offered, type Tour, tour } from './tour.ts';
import { type Known, NO_COST_LIMITS, operation, rootFields } from './walk.ts';

/** Stands in everything that tenant B has. */
const MARK = 'ofbeta';

let gateway: TestGateway;
let alpha: string;
let beta: string;
let theirs: Tour & { readonly routeId: string };
/** Texts that no answer to tenant A may hold. */
let secrets: string[];

beforeAll(async () => {
  gateway = await startGateway({ limits: { ...NO_COST_LIMITS } });
  alpha = await gateway.token({ tenant: 'alpha', role: 'admin' });
  beta = await gateway.token({ tenant: 'beta', sub: `b-${MARK}` });
  await tour(gateway, alpha);
  theirs = {
    ...(await tour(gateway, beta)),
    ...(await offered(gateway, `carrier-${MARK}`, beta)),
    routeId: '',
  };
  const marked = { ...LOAD, reference: MARK, fleetId: MARK };
  await done(gateway, tenderMutation('createTender'), marked, beta);
  await done(gateway, REGISTER_VEHICLE, { licensePlate: `P ${MARK}`, fleetId: MARK }, beta);
  const fix = { vehicleId: theirs.vehicleId, longitude: -97.7, latitude: 30.2 };
  await done(gateway, TRACK_LOCATION, fix, beta);
  const routeId = await planRoute();
  theirs = { ...theirs, routeId };
  const events = await gateway.store.events.find({ tenantId: 'beta' }).toArray();
  secrets = [
    MARK,
    ...events.flatMap((event) => [event._id.toString(), event.aggregateId.toString()]),
    theirs.offerId.replace('offer_', ''),
  ];
});
afterAll(() => gateway.close());

async function planRoute(): Promise<string> {
  const field = rootFields('mutation').find(({ name }) => name === 'planRoute');
  if (field === undefined) throw new Error('There is no planRoute.');
  const known = { vehicleId: theirs.vehicleId, name: MARK, longitude: -97.7, latitude: 30.2, fleetId: MARK };
  const { document, variables } = operation('mutation', field, known);
  const { planRoute: result } = await gateway.data(document, variables, beta);
  expect(result.__typename, JSON.stringify(result)).toBe('RoutePayload');
  return result.RoutePayload_route.Route_id;
}

function expectNothingOfBeta(answer: unknown, what: string): void {
  const text = JSON.stringify(answer) ?? '';
  for (const secret of secrets)
    expect(text.includes(secret), `${what} shows ${secret}: ${text.slice(0, 500)}`).toBe(false);
}

/** What a caller who knows all of B's ids would try for a root field. */
function attempts(field: string): Known[] {
  const { tenderId, offerId, vehicleId, routeId } = theirs;
  const all = [tenderId, vehicleId, routeId, offerId];
  const kind = /route/i.test(field) ? routeId : /vehicle|location|fleet/i.test(field) ? vehicleId : tenderId;
  const span = { from: inHours(-1), to: inHours(1) };
  const ids = { ...span, tenderId, offerId, vehicleId, routeId, carrierId: `carrier-${MARK}`, fleetId: MARK };
  return [
    {},
    { ...ids, id: kind, ids: all, aggregateId: all },
    { licensePlate: `P ${MARK}`, actorId: [`b-${MARK}`] },
    ...all.map((id) => ({ id, ids: [id] })),
  ];
}

const EVERYTHING = (tenantId: string) => gateway.store.events.find({ tenantId }).sort({ _id: 1 }).toArray();

async function rows(tenantId: string) {
  const names = ['tenders_read', 'fleet_status', 'route_summary'];
  return Promise.all(
    names.map((name) => gateway.store.db.collection(name).find({ tenantId }).sort({ _id: 1 }).toArray()),
  );
}

/** What is no tenant's own; and what B has none of here, and is shown to nobody else in test/approval/api.test.ts. */
const ELSEWHERE = new Set([
  'projections',
  'auditProof',
  'proofKeys',
  'protectedActions',
  'approval',
  'approvals',
  'adminActions',
]);
/** Mutations that begin something, and name nothing that there has to be. */
const NEEDS_NOTHING = new Set(['createTender', 'registerVehicle', 'requestApproval', 'breakGlass']);

describe('anyone of another tenant, in whatever role, with all the ids of tenant B', () => {
  it.each(ROLES)('%s is shown nothing of B by any query, and touches nothing', async (role) => {
    // Called as a carrier and a person of B are.
    const who = { tenant: `gamma-${role}`, role, sub: `b-${MARK}` };
    const token = await gateway.token(role === 'carrier' ? { ...who, carrierId: `carrier-${MARK}` } : who);
    const before = [await EVERYTHING('beta'), await rows('beta')];
    const ask = async (kind: 'query' | 'mutation', look: (answer: Answer, variables: object) => void) => {
      for (const field of rootFields(kind))
        for (const known of attempts(field.name)) {
          const { document, variables } = operation(kind, field, known);
          const answer = await gateway.graphql(document, variables, token);
          expect(answer.status, `${field.name}: ${JSON.stringify(answer)}`).toBeLessThan(500);
          look(answer, variables);
        }
    };
    await ask('query', (answer, variables) => {
      const data = JSON.stringify(answer.data ?? null);
      for (const secret of secrets)
        expect(data.includes(secret), `${JSON.stringify(variables)} shows ${secret}: ${data}`).toBe(false);
    });
    // What a mutation makes may be called as something of B: it is something else.
    await ask('mutation', () => {});
    expect([await EVERYTHING('beta'), await rows('beta')]).toEqual(before);
  });
});

describe('tenant A, with an admin’s token and all the ids of tenant B', () => {
  it.each(rootFields('query').map((field) => [field.name, field] as const))(
    'query %s shows nothing of B',
    async (name, field) => {
      let answered = 0;
      for (const known of attempts(name)) {
        const { document, variables } = operation('query', field, known);
        const answer = await gateway.graphql(document, variables, alpha);
        expectNothingOfBeta(answer, `${name}(${JSON.stringify(variables)})`);
        const other = await gateway.graphql(document, variables, beta);
        if (
          JSON.stringify(other).includes(MARK) ||
          secrets.some((secret) => JSON.stringify(other).includes(secret))
        )
          answered += 1;
      }
      // The same attempts show B its own: they do reach what there is. (Read models' names are no one's.)
      if (!ELSEWHERE.has(name)) expect(answered, `${name} answers B`).toBeGreaterThan(0);
    },
  );

  it.each(rootFields('mutation').map((field) => [field.name, field] as const))(
    'mutation %s touches nothing of B',
    async (name, field) => {
      const before = [await EVERYTHING('beta'), await rows('beta')];
      let missed = false;
      for (const known of attempts(name)) {
        const { id: _, licensePlate, fleetId: __, carrierId: ___, ...ids } = known;
        const plate = licensePlate === undefined || name === 'registerVehicle' ? {} : { licensePlate };
        const { document, variables } = operation('mutation', field, { ...ids, ...plate });
        const answer = await gateway.graphql(document, variables, alpha);
        expectNothingOfBeta(answer, `${name}(${JSON.stringify(variables)})`);
        missed ||= JSON.stringify(answer).includes('"NOT_FOUND"');
      }
      // What is B's does not exist; only these need nothing that exists.
      if (!NEEDS_NOTHING.has(name)) expect(missed, name).toBe(true);
      expect([await EVERYTHING('beta'), await rows('beta')]).toEqual(before);
    },
  );

  it('an id of B may be used anew, and names something of A then', async () => {
    const again = { ...LOAD, id: theirs.tenderId, reference: 'of alpha' };
    const created = await done(gateway, tenderMutation('createTender'), again, alpha);
    expect(created).toMatchObject({ repeated: false, tender: { id: theirs.tenderId, status: 'OPEN' } });
    const query = 'query($id: ID!) { tender(id: $id) { reference status } }';
    expect((await gateway.data(query, { id: theirs.tenderId }, beta)).tender.status).toBe('OFFERED');
    expect((await gateway.data(query, { id: theirs.tenderId }, alpha)).tender.reference).toBe('of alpha');
  });

  it('B’s key and plate are free to A', async () => {
    const input = { ...LOAD, idempotencyKey: 'one-key' };
    const first = await done(gateway, tenderMutation('createTender'), input, beta);
    const second = await done(gateway, tenderMutation('createTender'), input, alpha);
    expect(second.repeated).toBe(false);
    expect(second.tender.id).not.toBe(first.tender.id);
    await done(gateway, REGISTER_VEHICLE, { licensePlate: `P ${MARK}` }, alpha);
  });

  it.each(rootFields('subscription').map((field) => [field.name, field] as const))(
    'subscription %s tells nothing of B',
    async (name, field) => {
      const everything = operation('subscription', field, {});
      const items = collect(gateway.socket(alpha).iterate(toPayload(everything)), name);
      await items.until(
        (item) => JSON.stringify(item).includes('_complete":true') || item.__typename === 'Heartbeat',
      );
      const made = [await tour(gateway, beta), await tour(gateway, alpha)];
      const mine = name === 'vehicleChanges' ? made[1]?.vehicleId : made[1]?.tenderId;
      await items.until(
        (item) => !JSON.stringify(item).includes('_complete') && JSON.stringify(item).includes(mine ?? '?'),
      );
      const news = made[0];
      for (const item of items.all) {
        const text = JSON.stringify(item);
        for (const id of [news?.tenderId, news?.vehicleId]) expect(text).not.toContain(id);
        expect(text.includes(MARK) && !text.includes('P OFBETA'), text.slice(0, 300)).toBe(false);
      }
      items.stop();
    },
  );
});

function toPayload({ document, variables }: { document: string; variables: Record<string, unknown> }) {
  return { query: document, variables };
}
