import fc from 'fast-check';
import { type DocumentNode, type ExecutionResult, execute, parse, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { groupKeyOf, ResultGroup } from '../../src/gateway/fan-out/group.ts';
import { MemoBudget } from '../../src/gateway/fan-out/memo.ts';
import type { Context } from '../../src/graphql/context.ts';
import { schema } from '../../src/schema.ts';
import { tendersRead } from '../../src/tender/projection.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import { read } from '../eventstore/feed/reader.ts';
import { itHolds } from '../fuzz.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { contextFor } from '../graphql/context-for.ts';
import { REGISTER_VEHICLE } from '../journey/documents.ts';
import { done, offered, tour } from '../journey/tour.ts';
import { randomSubscription } from './random-subscription.ts';

/** A memo of this size forgets nothing here. */
const LARGE_BYTES = 10_000_000;

const EVERYTHING = { tenantId: 'demo', filter: {}, matches: () => true };

let gateway: TestGateway;
/** What the feed has really told, by root field. */
const told: Record<string, readonly object[]> = {};
beforeAll(async () => {
  gateway = await startGateway();
  const { feed } = gateway;
  const tenders = read(feed.ordered({ ...EVERYTHING, projection: tendersRead }));
  const open = read(
    feed.ordered({
      ...EVERYTHING,
      projection: tendersRead,
      filter: { status: 'OPEN' },
      matches: ({ status }) => status === 'OPEN',
    }),
  );
  const vehicles = read(feed.latest({ ...EVERYTHING, projection: fleetStatus }, { maxPerSecond: 4 }));
  const events = read(feed.log(EVERYTHING));
  for (const reader of [tenders, open, vehicles, events]) await reader.until(() => reader.items.length > 0);
  await tour(gateway);
  await offered(gateway, 'carrier-2');
  const registered = (n: number) => done(gateway, REGISTER_VEHICLE, { licensePlate: `SHARED ${n}` });
  const isFull = () => vehicles.items.some((item) => item.kind === 'moved' && item.rows.length > 1);
  // On a busy machine vehicles that are registered one by one each come in a frame of their own.
  for (let n = 0; n < 8 || !isFull(); n += 4)
    await Promise.all([registered(n), registered(n + 1), registered(n + 2), registered(n + 3)]);
  await open.until(() => open.items.some(({ kind }) => kind === 'left'));
  await events.until(() => events.items.length > 10);
  await tenders.until(() => tenders.items.length > 10);
  told.tenderChanges = [...tenders.items.slice(-10), ...open.items.slice(-4)];
  told.vehicleChanges = vehicles.items.filter(({ kind }) => kind === 'moved');
  told.eventsAppended = events.items.slice(-6);
  for (const reader of [tenders, open, vehicles, events]) await reader.stop();
});
afterAll(() => gateway.close());

function groupOf(document: DocumentNode, context: Context, maxSharedBytes: number): ResultGroup {
  const contextValue = context.forGroup();
  const run = (rootValue: object) => execute({ schema, document, contextValue, rootValue });
  return new ResultGroup(run, new MemoBudget({ maxSharedBytes }));
}

interface Told {
  readonly plain: ExecutionResult;
  readonly isShared: boolean;
}

/** Frames of several rows are put together only where the operation selects the list of rows, once. */
function canBeShared(field: string, { data }: ExecutionResult): boolean {
  if (field !== 'vehicleChanges') return true;
  const selected = Object.values(data ?? {}).flatMap((item) => Object.values(item ?? {}));
  return selected.filter(Array.isArray).length === 1;
}

/** Frames of the same rows in other company. */
function framesOf(items: readonly object[]): readonly object[] {
  const rows = items.flatMap((item) => ('rows' in item && Array.isArray(item.rows) ? item.rows : []));
  return rows.map((_, index) => ({ kind: 'moved', rows: rows.slice(index), cursor: `cursor "${index}"` }));
}

describe('what is executed and serialised once for several subscribers', () => {
  for (const [field, role, carrierId] of [
    ['tenderChanges', 'dispatcher', undefined],
    ['tenderChanges', 'carrier', 'carrier-1'],
    ['vehicleChanges', 'driver', undefined],
    ['eventsAppended', 'dispatcher', undefined],
  ] as const) {
    let shared = 0;
    itHolds(
      `is the text that each would have got alone: ${field}, by a ${role}`,
      { numRuns: 60 },
      () => {
        const context = contextFor(gateway, role, carrierId);
        const items = [...(told[field] ?? []), ...framesOf(told[field] ?? [])];
        return fc.asyncProperty(
          fc.gen(),
          fc.constantFrom(0, 2_000, LARGE_BYTES),
          async (g, maxSharedBytes) => {
            const document = parse(randomSubscription(g, field));
            expect(validate(schema, document)).toEqual([]);
            const group = groupOf(document, context, maxSharedBytes);
            const told: Told[] = [];
            for (const item of [...items, ...items]) {
              const plain = await execute({ schema, document, contextValue: context, rootValue: item });
              const result = await group.resultOf(item);
              told.push({ plain, isShared: result !== null });
              if (result === null) continue;
              shared += 1;
              expect(plain.errors).toBeUndefined();
              expect(result.stringify()).toBe(JSON.stringify(plain));
            }
            // A small memo may forget the text of a row before its frame is put together.
            if (maxSharedBytes === LARGE_BYTES && told.every(({ plain }) => plain.errors === undefined))
              for (const { plain, isShared } of told)
                if (canBeShared(field, plain)) expect(isShared).toBe(true);
          },
        );
      },
      () => expect(shared).toBeGreaterThan(0),
    );
  }

  it('is one object for all of them, made once', async () => {
    const document = parse('subscription { tenderChanges { ... on TenderUpdated { tender { id } } } }');
    const group = groupOf(document, contextFor(gateway, 'dispatcher'), 1_000_000);
    const [item] = told.tenderChanges ?? [];
    const first = await group.resultOf(item);
    expect(first).not.toBeNull();
    expect(await group.resultOf(item)).toBe(first);
  });

  it('is nothing where it fails: each has errors of its own then', async () => {
    const document = parse('subscription { tenderChanges { ... on TenderUpdated { tender { id } } } }');
    const stranger = groupOf(document, contextFor(gateway, 'carrier', 'somebody-else'), 1_000_000);
    for (const item of told.tenderChanges ?? []) {
      if ('row' in item) expect(await stranger.resultOf(item)).toBeNull();
    }
  });

  it('must not depend on who exactly is asking', () => {
    const { access } = contextFor(gateway, 'dispatcher').forGroup();
    expect(access).toMatchObject({ tenantId: 'demo', role: 'dispatcher' });
    expect(() => access?.sub).toThrow('must not depend on who they are');
  });
});

describe('who is shown the same', () => {
  const access = { tenantId: 'demo', sub: 'me', role: 'carrier', carrierId: 'c-1' } as const;
  const key = (query: string, variableValues = {}, who: Parameters<typeof groupKeyOf>[1] = access) =>
    groupKeyOf({ document: parse(query), variableValues }, who);
  const fields = '{ __typename ... on VehiclesMoved { vehicles { id @include(if: $i) } } }';
  const query = `subscription A($f: VehicleFilter, $i: Boolean!) { vehicleChanges(filter: $f) ${fields} }`;

  it('are those who differ in what they want to hear of, and how often', () => {
    const known = key(query, { i: true, f: { fleetId: ['a'] } });
    expect(key(query, { i: true, f: { fleetId: ['b'] } })).toBe(known);
    expect(key(query, { i: true })).toBe(known);
    const written = `subscription B($i: Boolean!) {
      vehicleChanges(filter: { fleetId: ["c"] }, maxPerSecond: 2) ${fields} }`;
    expect(key(written, { i: true })).toBe(known);
    const other = { ...access, sub: 'you', expiresAt: new Date() };
    expect(key(query, { i: true }, other)).toBe(known);
  });

  it('are not those who see other fields, or may see other things', () => {
    const known = key(query, { i: true });
    expect(key(query, { i: false })).not.toBe(known);
    expect(key(query.replace('{ id', '{ number: id'), { i: true })).not.toBe(known);
    expect(key(query, { i: true }, { ...access, carrierId: 'c-2' })).not.toBe(known);
    expect(key(query, { i: true }, { ...access, tenantId: 'other' })).not.toBe(known);
    expect(key(query, { i: true }, { ...access, role: 'driver' })).not.toBe(known);
  });

  it('are not those whose root field, within a fragment, is given other values', () => {
    const within = `subscription ($f: VehicleFilter) { ...R }
      fragment R on Subscription { vehicleChanges(filter: $f) { __typename } }`;
    expect(key(within, { f: { fleetId: ['a'] } })).not.toBe(key(within, { f: { fleetId: ['b'] } }));
  });
});
