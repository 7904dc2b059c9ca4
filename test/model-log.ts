import { type Db, UUID } from 'mongodb';
import { v5 } from 'uuid';
import { approval } from '../src/approval/approval.ts';
import type { ApprovalCommand, RequestApproval } from '../src/approval/commands.ts';
import type { Aggregate, Command } from '../src/eventstore/aggregate.ts';
import { handle } from '../src/eventstore/command/handle.ts';
import { handleMany } from '../src/eventstore/command/handle-many.ts';
import type { Store } from '../src/eventstore/command/store.ts';
import type { StoredEvent } from '../src/eventstore/event.ts';
import { newId } from '../src/eventstore/ids.ts';
import type { RouteCommand } from '../src/route/decide.ts';
import { route } from '../src/route/route.ts';
import { tender } from '../src/tender/tender.ts';
import type { VehicleCommand } from '../src/vehicle/decide.ts';
import { vehicle } from '../src/vehicle/vehicle.ts';
import { minute } from './given.ts';
import { at, WAY_TO } from './tender/cast.ts';
import { change, correctionOf, fixAt, register, trip } from './vehicle/cast.ts';

/** What a story is told of: a stream and the commands that write it. */
interface Told {
  readonly aggregate: Aggregate<unknown, Command>;
  readonly commands: readonly Command[];
}

/** Vehicles with fixes in and out of order, and changes of state between them. */
const VEHICLE_WAYS: readonly (readonly VehicleCommand[])[] = [
  [register],
  [register, fixAt(5), fixAt(9), fixAt(7), fixAt(8), fixAt(10)],
  [register, fixAt(2), trip('ReserveVehicle'), trip('StartTrip'), fixAt(3), fixAt(1), trip('EndTrip')],
  [
    register,
    fixAt(5, { speedMps: 36 }),
    fixAt(6),
    correctionOf(5, { speedMps: 36 }, { speedMps: 10 }),
    fixAt(4),
  ],
  [register, fixAt(7, { speedMps: 36 }), correctionOf(7, { speedMps: 36 }, { speedMps: 10 })],
  [register, change('non_contactable'), change('missing'), fixAt(4, { speedMps: 3.5, headingDeg: 90 })],
];

const berlin = { name: 'Berlin', longitude: 13.4, latitude: 52.5 };
const leipzig = { name: 'Leipzig', longitude: 12.37, latitude: 51.34, plannedArrival: minute(90) };
const halle = { name: 'Halle', longitude: 11.97, latitude: 51.48 };
const ADJUSTED = { type: 'AdjustRoute', reasonCode: 'TRAFFIC', source: 'DISPATCHER', ...at(3) } as const;
const ROUTE_WAYS: readonly (readonly RouteCommand[])[] = [
  [{ type: 'PlanRoute', plan: { stops: [berlin, leipzig] }, name: 'A9', ...at(1) }],
  [
    { type: 'PlanRoute', plan: { stops: [berlin, leipzig], distanceM: 190_000 }, ...at(1) },
    { ...ADJUSTED, changes: { durationS: 7_200 } },
    { ...ADJUSTED, changes: { stops: [berlin, halle, leipzig] } },
  ],
];

const COUNTS = [{ name: 'keys', count: 1 }];
const ASKED: RequestApproval = {
  type: 'RequestApproval',
  person: true,
  roles: ['admin'],
  action: 'approval.rule',
  arguments: '{"required":2}',
  hash: 'a'.repeat(64),
  counts: COUNTS,
  reason: 'For the test',
  required: 2,
  ...at(1),
  by: { id: 'ann', role: 'admin' },
};
const BEGUN: ApprovalCommand = {
  type: 'StartExecution',
  mayAsk: ['admin'],
  mayVote: ['admin'],
  required: 2,
  revoked: [],
  counts: COUNTS,
  freshHash: 'a'.repeat(64),
  ...at(3),
};
const APPROVAL_WAYS: readonly (readonly ApprovalCommand[])[] = [
  [ASKED],
  [
    { ...ASKED, breakGlass: { allowed: true } },
    BEGUN,
    { type: 'FinishExecution', succeeded: true, summary: 'Done', ...at(4) },
  ],
];

const STORIES: readonly Told[] = [
  ...Object.values(WAY_TO).map((commands) => ({ aggregate: tender as Told['aggregate'], commands })),
  ...VEHICLE_WAYS.map((commands) => ({ aggregate: vehicle as Told['aggregate'], commands })),
  ...APPROVAL_WAYS.map((commands) => ({ aggregate: approval as Told['aggregate'], commands })),
  ...ROUTE_WAYS.map((commands) => ({ aggregate: route as Told['aggregate'], commands })),
];

/** A store whose commands stay on their own streams: each story is of one stream, and vehicles share a plate. */
export function withoutWorkflows(store: Store): Store {
  return { ...store, workflows: new Map() };
}

/** Tells every story of every context so many times, each on a stream of its own; of two tenants by turns. */
export async function recordStories(store: Store, times: number): Promise<void> {
  const alone = withoutWorkflows(store);
  const told = Array.from({ length: times }, (_, turn) =>
    STORIES.map(async ({ aggregate, commands }) => {
      const tenantId = turn % 2 === 0 ? 'acme' : 'bolt';
      const id = newId();
      for (const command of commands) {
        const outcome = await handle(alone, { tenantId, aggregate, id, command, input: {}, origin: 'test' });
        if (outcome.kind !== 'recorded') throw new Error(`${command.type}: ${outcome.refusal.code}`);
      }
    }),
  );
  await Promise.all(told.flat());
}

/** Registers vehicles and returns what sends another fix of each of them, later than the last. */
export async function driveVehicles(
  store: Store,
  count: number,
): Promise<{ readonly ids: readonly string[]; drive(): Promise<void> }> {
  const ids = Array.from({ length: count }, () => newId());
  const give = async (command: VehicleCommand): Promise<void> => {
    const outcomes = await handleMany(
      withoutWorkflows(store),
      ids.map((id) => ({ tenantId: 'acme', aggregate: vehicle, id, command, input: {}, origin: 'test' })),
    );
    const failed = outcomes.find(({ kind }) => kind !== 'recorded');
    if (failed !== undefined) throw new Error(`${command.type} was refused.`);
  };
  await give(register);
  let minutes = 0;
  return { ids, drive: () => give(fixAt(minutes++ / 1_000)) };
}

/** Puts a log of vehicles with so many events each beside the commands: much sooner, and without rows. */
export async function insertFleet(db: Db, vehicles: number, events: number): Promise<void> {
  const ids = Array.from({ length: vehicles }, () => new UUID());
  const log = db.collection<StoredEvent>('events');
  for (let sequence = 1; sequence <= events; sequence++)
    await log.insertMany(ids.map((id, index) => fleetEvent(id, index, sequence)));
}

const NAMESPACE = '2f1d5a1e-8f3c-5b7a-9c39-7a1be2d9f0c4';

function fleetEvent(aggregateId: UUID, index: number, sequence: number): StoredEvent {
  const isFirst = sequence === 1;
  return {
    _id: new UUID(v5(`${aggregateId}/${sequence}`, NAMESPACE)),
    tenantId: 'acme',
    aggregateType: 'Vehicle',
    aggregateId,
    sequence,
    type: isFirst ? 'VehicleRegistered' : 'LocationTracked',
    version: 1,
    payload: isFirst ? { licensePlate: `F ${index}` } : { longitude: sequence / 1_000, latitude: 30.5 },
    actor: { id: 'fleet', role: 'driver' },
    occurredAt: minute(sequence),
    recordedAt: minute(sequence + 1),
    metadata: { origin: 'test', producerId: 'p', correlationId: 'c', commandHash: 'h' },
  };
}
