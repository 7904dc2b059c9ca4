import { isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema.ts';
import { eventually } from '../eventually.ts';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { REGISTER, TRACK } from '../vehicle/documents.ts';
import { LOAD, tenderMutation } from './documents.ts';

let gateway: TestGateway;
let tenderId: string;
let vehicleId: string;
let routeId: string;
let approvalId: string;
/** For all that there is: the admin log is for administrators. */
let token: string;
beforeAll(async () => {
  gateway = await startGateway();
  const created = await gateway.data(tenderMutation('createTender'), { input: LOAD });
  tenderId = created.result.tender.id;
  const registered = await gateway.data(REGISTER, { input: { licensePlate: 'PAGE-1' } });
  vehicleId = registered.result.vehicle.id;
  await gateway.data(TRACK, { input: { vehicleId, longitude: 13.4, latitude: 52.5 } });
  const planned = await gateway.data(
    'mutation ($input: PlanRouteInput!) { result: planRoute(input: $input) { ... on RoutePayload { route { id } } } }',
    { input: { stops: [{ name: 'Depot', longitude: 13.4, latitude: 52.5 }] } },
  );
  routeId = planned.result.route.id;
  token = await gateway.token({ role: 'admin' });
  const asked = await gateway.data(
    'mutation ($input: RequestApprovalInput!) { result: requestApproval(input: $input) { ... on ApprovalPayload { approval { id } } } }',
    { input: { action: 'approval.rule', arguments: { required: 2 }, reason: 'To have one' } },
    token,
  );
  approvalId = asked.result.approval.id;
  await eventually(async () =>
    expect((await gateway.data('{ vehicles { nodes { id } } }')).vehicles.nodes).toHaveLength(1),
  );
});
afterAll(() => gateway.close());

/** How each connection of the API is asked for; `page` stands for its arguments. */
const documents: Readonly<Record<string, (page: string) => string>> = {
  'Query.events': (page) => `{ at: events(${page}) { PAGE } }`,
  'Query.tenders': (page) => `{ at: tenders(${page}) { PAGE } }`,
  'Query.vehicles': (page) => `{ at: vehicles(${page}) { PAGE } }`,
  'Query.routes': (page) => `{ at: routes(${page}) { PAGE } }`,
  'Query.vehicleTrack': (page) =>
    `{ at: vehicleTrack(vehicleId: "${vehicleId}", from: "2000-01-01T00:00:00Z", to: "9000-01-01T00:00:00Z", ${page}) { PAGE } }`,
  'Query.approvals': (page) => `{ at: approvals(${page}) { PAGE } }`,
  'Query.adminActions': (page) => `{ at: adminActions(${page}) { PAGE } }`,
  'Approval.history': (page) => `{ of: approval(id: "${approvalId}") { at: history(${page}) { PAGE } } }`,
  'Tender.history': (page) => `{ of: tender(id: "${tenderId}") { at: history(${page}) { PAGE } } }`,
  'Vehicle.history': (page) => `{ of: vehicle(id: "${vehicleId}") { at: history(${page}) { PAGE } } }`,
  'Route.history': (page) => `{ of: route(id: "${routeId}") { at: history(${page}) { PAGE } } }`,
};

/** Every field of the API that gives a page. */
const connections = Object.values(schema.getTypeMap())
  .filter(isObjectType)
  .flatMap((type) =>
    Object.values(type.getFields()).flatMap((field) =>
      String(field.type).endsWith('Connection!')
        ? [[`${type.name}.${field.name}`, field.args.some(({ name }) => name === 'last')] as const]
        : [],
    ),
  );

async function page(field: string, args: string): Promise<Data> {
  const document = documents[field]?.(args).replace(
    'PAGE',
    'edges { cursor } pageInfo { hasNextPage hasPreviousPage }',
  );
  const data = await gateway.data(document ?? '', {}, token);
  return data.at ?? data.of.at;
}

describe.each(connections)('a page of %s', (field, hasLast) => {
  it('without a single row says whether there are any', async () => {
    expect(await page(field, 'first: 0')).toMatchObject({ edges: [], pageInfo: { hasNextPage: true } });
    if (hasLast)
      expect(await page(field, 'last: 0')).toMatchObject({ edges: [], pageInfo: { hasPreviousPage: true } });
  });

  it('behind the last row says that there is no more', async () => {
    const all = await page(field, 'first: 200');
    const after = all.edges.at(-1).cursor;
    expect(await page(field, `first: 0, after: "${after}"`)).toMatchObject({
      edges: [],
      pageInfo: { hasNextPage: false },
    });
  });
});
