import { createClient as createSseClient } from 'graphql-sse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../gateway.ts';
import { collect, type Items } from '../items.ts';
import { EVENTS_APPENDED, TENDER_CHANGES } from './documents.ts';
import { STEPS, tour } from './tour.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

function steps(items: Items, tenderId: string) {
  return items.all.filter((item) => item.__typename === 'TenderUpdated' && item.tender.id === tenderId);
}

describe('a tender, from created to completed', () => {
  it('is seen step by step, in order, over WebSocket and over SSE', async () => {
    const token = await gateway.token();
    const sse = createSseClient({
      url: gateway.url,
      headers: { authorization: `Bearer ${token}` },
      retryAttempts: 0,
    });
    const subscribers = [
      collect(gateway.socket(token).iterate({ query: TENDER_CHANGES }), 'tenderChanges'),
      collect(sse.iterate({ query: TENDER_CHANGES }), 'tenderChanges'),
    ];
    const log = collect(gateway.socket(token).iterate({ query: EVENTS_APPENDED }), 'eventsAppended');
    await Promise.all(subscribers.map((items) => items.until((item) => item.complete)));
    await log.until((item) => item.__typename === 'Heartbeat');

    const { tenderId, vehicleId } = await tour(gateway);

    for (const items of subscribers) {
      await items.until((item) => item.tender?.id === tenderId && item.tender.status === 'COMPLETED');
      const seen = steps(items, tenderId);
      expect(seen.map((item) => item.event.type)).toEqual(STEPS);
      expect(seen.map((item) => item.event.sequence)).toEqual(STEPS.map((_, index) => index + 1));
      expect(seen.map((item) => item.tender.lastEvent.id)).toEqual(seen.map((item) => item.event.id));
      expect(seen.map((item) => item.tender.status)).toEqual([
        'OPEN',
        'OFFERED',
        'ACCEPTED',
        'ASSIGNED',
        'ASSIGNED',
        'IN_TRANSIT',
        'IN_TRANSIT',
        'IN_TRANSIT',
        'COMPLETED',
      ]);
      expect(seen[3].tender.vehicle.id).toBe(vehicleId);
      expect(new Set(items.all.map((item) => item.cursor)).size).toBeGreaterThan(STEPS.length);
    }
    await log.until((item) => item.event?.type === 'TenderCompleted');
    const logged = log.all.filter((item) => item.event?.aggregateId === tenderId);
    expect(logged.map((item) => item.event.type)).toEqual(STEPS);
    for (const items of [...subscribers, log]) items.stop();
    sse.dispose();
  });

  it('is in the log, for auditors, page by page', async () => {
    const { tenderId, vehicleId } = await tour(gateway);
    const types: string[] = [];
    let after: string | null = null;
    do {
      const { events } = await gateway.data(
        `query($filter: EventFilter, $after: String) {
          events(filter: $filter, first: 4, after: $after) {
            nodes { id type aggregateId actor { id role } payload occurredAt recordedAt }
            pageInfo { hasNextPage endCursor }
          }
        }`,
        { filter: { aggregateId: [tenderId] }, after },
      );
      types.push(...events.nodes.map((event: { type: string }) => event.type));
      expect(events.nodes[0].actor).toEqual({ id: 'a-dispatcher', role: 'dispatcher' });
      after = events.pageInfo.hasNextPage ? events.pageInfo.endCursor : null;
    } while (after !== null);
    expect(types).toEqual(STEPS);

    const { nodes, projections } = await gateway.data(
      `query($ids: [ID!]!) {
        nodes(ids: $ids) { __typename id ... on Tender { status } ... on Vehicle { state } }
        projections { name mode lagMs state }
      }`,
      { ids: [tenderId, vehicleId, 'tender_00000000-0000-7000-8000-000000000000', 'nonsense'] },
    );
    expect(nodes).toEqual([
      { __typename: 'Tender', id: tenderId, status: 'COMPLETED' },
      { __typename: 'Vehicle', id: vehicleId, state: 'available' },
      null,
      null,
    ]);
    expect(projections.map((each: { name: string }) => each.name).sort()).toEqual([
      'approvals_read',
      'fleet_status',
      'route_summary',
      'tenders_read',
    ]);
  });
});
