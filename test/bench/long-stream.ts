import { UUID } from 'mongodb';
import type { StreamRef } from '../../src/eventstore/aggregate.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { extended, marked, NO_EXTENT } from '../../src/eventstore/time-order.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';

/** A vehicle that has been on the road for long. */
export interface LongStream {
  readonly stream: StreamRef;
  readonly begin: Date;
  readonly end: Date;
  /** Of some of its events, all over the stream. */
  readonly eventIds: readonly UUID[];
}

/** Between two fixes, and from a fix to when it is told, in ms. */
const FIX_EVERY_MS = 10_000;
const TOLD_AFTER_MS = 300;
/** One fix in so many was held up on the way, by up to so many ms. */
const LATE = { oneIn: 50, byMs: 600_000 } as const;
const BATCH_EVENTS = 2_000;

/** Records a vehicle's registration and its fixes, some of them late, and the snapshots that go with them. */
export async function makeLongStream(store: Store, events: number): Promise<LongStream> {
  const aggregateId = new UUID(newId());
  const stream = { tenantId: 'demo', aggregateType: vehicle.type, aggregateId: aggregateId.toString() };
  const begin = Date.now() - events * FIX_EVERY_MS - 60_000;
  const eventIds: UUID[] = [];
  let batch: StoredEvent[] = [];
  let extent = NO_EXTENT;
  for (let sequence = 1; sequence <= events; sequence++) {
    const toldAt = begin + sequence * FIX_EVERY_MS;
    const lateMs = sequence > 1 && sequence % LATE.oneIn === 0 ? (sequence * 7_919) % LATE.byMs : 0;
    const event: StoredEvent = {
      _id: new UUID(newId()),
      tenantId: stream.tenantId,
      aggregateType: stream.aggregateType,
      aggregateId,
      sequence,
      ...(sequence === 1 ? REGISTERED : fixAt(sequence)),
      version: 1,
      actor: { id: 'bench', role: 'driver' },
      occurredAt: new Date(toldAt - TOLD_AFTER_MS - lateMs),
      recordedAt: new Date(toldAt),
      metadata: { origin: 'bench', producerId: 'bench', correlationId: 'bench', commandHash: 'bench' },
    };
    const timing = store.registry.timing(event);
    batch.push(marked(event, extent, timing));
    extent = extended(extent, event, timing);
    if (sequence % 100 === 0) eventIds.push(event._id);
    if (batch.length < BATCH_EVENTS && sequence < events) continue;
    await store.events.insertMany(batch, { ordered: false });
    batch = [];
  }
  store.snapshots.build(stream, vehicle);
  await store.snapshots.idle();
  return { stream, begin: new Date(begin), end: new Date(begin + events * FIX_EVERY_MS), eventIds };
}

const REGISTERED = {
  type: 'VehicleRegistered',
  payload: { licensePlate: 'BENCH 1', fleetId: 'north' },
} as const;

function fixAt(sequence: number): Pick<StoredEvent, 'type' | 'payload'> {
  const payload = {
    longitude: -97.7 + (sequence % 1_000) / 10_000,
    latitude: 30.2 + (sequence % 777) / 10_000,
    speedMps: sequence % 30,
    headingDeg: sequence % 360,
  };
  return { type: 'LocationTracked', payload };
}
