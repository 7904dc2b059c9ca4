import { setImmediate as turn } from 'node:timers/promises';
import type { Collection, Document } from 'mongodb';
import { approval } from '../../../src/approval/approval.ts';
import type { ApprovalCommand } from '../../../src/approval/commands.ts';
import type { Aggregate, Command } from '../../../src/eventstore/aggregate.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Intent } from '../../../src/eventstore/command/intent.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import type { Projection } from '../../../src/eventstore/projection.ts';
import type { Finding } from '../../../src/eventstore/verify/finding.ts';
import type { RouteCommand } from '../../../src/route/decide.ts';
import { route } from '../../../src/route/route.ts';
import type { TenderCommand } from '../../../src/tender/command.ts';
import { tender } from '../../../src/tender/tender.ts';
import type { VehicleCommand } from '../../../src/vehicle/decide.ts';
import { vehicle } from '../../../src/vehicle/vehicle.ts';
import { now } from '../../dispatch/stage.ts';
import { withoutWorkflows } from '../../model-log.ts';
import { DETAILS } from '../../tender/cast.ts';

/** The rows of the second sort before those of the first, though its streams come after them. */
export const TENANTS = ['acme', 'acme-2'] as const;

export interface Stream {
  readonly tenantId: string;
  readonly id: string;
}

/** Streams of every kind that has a read model, by that read model's name. */
export interface World {
  readonly tenders_read: readonly Stream[];
  readonly route_summary: readonly Stream[];
  readonly fleet_status: readonly Stream[];
  readonly approvals_read: readonly Stream[];
}

const streams = (count: number): Stream[] =>
  Array.from({ length: count }, (_, index) => ({
    tenantId: TENANTS[index % TENANTS.length] ?? '',
    id: newId(),
  }));

function intents<S, C extends Command>(
  aggregate: Aggregate<S, C>,
  of: readonly Stream[],
  commandOf: (index: number) => C,
): Intent<S, C>[] {
  return of.map(({ tenantId, id }, index) => {
    const command = commandOf(index);
    return { tenantId, aggregate, id, command, input: { id }, origin: 'test' };
  });
}

async function give<S, C extends Command>(
  store: Store,
  aggregate: Aggregate<S, C>,
  of: readonly Stream[],
  commandOf: (index: number) => C,
): Promise<void> {
  for (const outcome of await handleMany(withoutWorkflows(store), intents(aggregate, of, commandOf)))
    if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
}

const offered = (): TenderCommand => ({
  type: 'OfferTender',
  offerId: newId(),
  carrierId: newId(),
  expiresAt: new Date(Date.now() + 3_600_000),
  ...now(),
});
const planned = (name: string): RouteCommand => ({
  type: 'PlanRoute',
  name,
  plan: {
    stops: DETAILS.stops.map(({ name: at, longitude, latitude }) => ({ name: at, longitude, latitude })),
  },
  ...now(),
});
const adjusted = (durationS: number): RouteCommand => ({
  type: 'AdjustRoute',
  changes: { durationS },
  reasonCode: 'TRAFFIC',
  source: 'DISPATCHER',
  ...now(),
});
const registered = (index: number): VehicleCommand => ({
  type: 'RegisterVehicle',
  licensePlate: `W ${index}`,
  fleetId: 'north',
  ...now(),
});
const tracked = (index: number): VehicleCommand => ({
  type: 'TrackLocation',
  fix: { longitude: 13 + index / 1_000, latitude: 52 },
  keyed: true,
  ...now(),
});

const HASH = 'a'.repeat(64);
const COUNTS = [{ name: 'keys', count: 1 }];
const asked = (): ApprovalCommand => ({
  ...{ type: 'RequestApproval', person: true, roles: ['admin'], action: 'approval.rule' },
  ...{ arguments: '{}', hash: HASH, counts: COUNTS, reason: 'For the test', required: 1_000_000 },
  ...{ ...now(), by: { id: 'ann', role: 'admin' } },
});
/** So many have to approve that it goes on and on. */
const approved = (): ApprovalCommand => ({
  ...{ type: 'VoteForApproval', person: true, roles: ['admin'], hash: HASH },
  ...{ counts: COUNTS, freshHash: HASH, ...now(), by: { id: newId(), role: 'admin' } },
});

/** So many streams of each kind, three events in each. */
export async function openWorld(store: Store, count: number): Promise<World> {
  const world = {
    tenders_read: streams(count),
    route_summary: streams(count),
    fleet_status: streams(count),
    approvals_read: streams(count),
  };
  const create: TenderCommand = { type: 'CreateTender', details: DETAILS, ...now() };
  await give(store, tender, world.tenders_read, () => create);
  await give(store, route, world.route_summary, (index) => planned(`route ${index}`));
  await give(store, vehicle, world.fleet_status, registered);
  await give(store, approval, world.approvals_read, asked);
  for (const round of [1, 2]) await goOn(store, world, round);
  return world;
}

/** One more event in each of these streams. */
export async function goOn(store: Store, world: World, round: number): Promise<void> {
  await give(store, tender, world.tenders_read, offered);
  await give(store, route, world.route_summary, () => adjusted(round));
  await give(store, vehicle, world.fleet_status, (index) => tracked(index + round));
  await give(store, approval, world.approvals_read, approved);
}

/** Adds to these streams, and new ones beside them, until it is stopped. */
export function keepWriting(store: Store, world: World): { stop(): Promise<number> } {
  let stopped = false;
  const work = async (): Promise<number> => {
    for (let round = 3; ; round++) {
      await goOn(store, world, round);
      await openWorld(store, 2);
      if (stopped) return round;
      await turn();
    }
  };
  const working = work();
  return {
    stop: () => {
      stopped = true;
      return working;
    },
  };
}

/** What is done to a row, and what it is then called. */
export type Damage = 'wrong' | 'missing' | 'extra' | 'stale';

/** A field that each row has. */
const FIELDS: Readonly<Record<keyof World, string>> = {
  tenders_read: 'status',
  route_summary: 'stops.1.latitude',
  fleet_status: 'licensePlate',
  approvals_read: 'action',
};

/** Damages the rows of these streams, each in one of four ways. @returns what is wrong now, `kind row`, sorted */
export async function damage(
  store: Store,
  projection: Pick<Projection, 'name'>,
  of: readonly Stream[],
): Promise<string[]> {
  const rows: Collection<Document & { _id: string }> = store.db.collection(
    store.live.collectionOf(projection),
  );
  const ways: readonly Damage[] = ['wrong', 'missing', 'extra', 'stale'];
  const done = of.map(async ({ tenantId, id }, index) => {
    const way = ways[index % ways.length] ?? 'wrong';
    const _id = `${tenantId}/${id}`;
    if (way === 'wrong')
      await rows.updateOne({ _id }, { $set: { [FIELDS[projection.name as keyof World]]: 'damaged' } });
    if (way === 'missing') await rows.deleteOne({ _id });
    if (way === 'stale') await rows.updateOne({ _id }, { $inc: { lastSequence: -1 } });
    if (way !== 'extra') return `${way} ${_id}`;
    const [ghost, tenant] = [newId(), index % 3 === 0 ? 'nobody' : tenantId];
    const { _id: _, ...copy } = (await rows.findOne({ _id })) ?? {};
    await rows.insertOne({ _id: `${tenant}/${ghost}`, ...copy, tenantId: tenant, id: ghost });
    return `extra ${tenant}/${ghost}`;
  });
  return (await Promise.all(done)).sort();
}

/** As `damage` tells them. */
export function told(findings: readonly Finding[]): string[] {
  return findings.map(({ kind, row }) => `${kind} ${row}`).sort();
}
