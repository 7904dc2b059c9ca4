import { UUID } from 'mongodb';
import type { StreamRef } from '../../src/eventstore/aggregate.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { extended, marked, NO_EXTENT } from '../../src/eventstore/time-order.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import { FIX_EVERY_MS, mostlyInOrder, type Order, type ToldFix } from './told-orders.ts';

/** A vehicle that has been on the road for long. */
export interface LongStream {
  readonly stream: StreamRef;
  readonly begin: Date;
  readonly end: Date;
  /** When its first and its last event were recorded. */
  readonly recorded: readonly [Date, Date];
  /** How much of it came late. */
  readonly late: number;
  /** Of some of its events, all over the stream. */
  readonly eventIds: readonly UUID[];
}

const BATCH_EVENTS = 2_000;
/** A vehicle changes its state once in so many fixes. */
const STATE_EVERY = 1_000;

/** Records a vehicle's registration, its fixes in some order, a change of state now and then, and the snapshots. */
export async function makeLongStream(
  store: Store,
  events: number,
  order: Order = mostlyInOrder,
): Promise<LongStream> {
  const aggregateId = new UUID(newId());
  const stream = { tenantId: 'demo', aggregateType: vehicle.type, aggregateId: aggregateId.toString() };
  const told = order(events - 1);
  const lastMs = told.at(-1)?.toldMs ?? 0;
  const begin = Date.now() - Math.max(lastMs, events * FIX_EVERY_MS) - 60_000;
  const eventIds: UUID[] = [];
  let batch: StoredEvent[] = [];
  let extent = NO_EXTENT;
  let late = 0;
  for (let sequence = 1; sequence <= events; sequence++) {
    const fix = told[sequence - 2];
    const event: StoredEvent = {
      _id: new UUID(newId()),
      tenantId: stream.tenantId,
      aggregateType: stream.aggregateType,
      aggregateId,
      sequence,
      ...factAt(sequence, fix),
      version: 1,
      actor: { id: 'bench', role: 'driver' },
      occurredAt: new Date(begin + (fix === undefined ? 0 : (fix.index + 1) * FIX_EVERY_MS)),
      recordedAt: new Date(begin + (fix?.toldMs ?? 0)),
      metadata: { origin: 'bench', producerId: 'bench', correlationId: 'bench', commandHash: 'bench' },
    };
    const timing = store.registry.timing(event);
    const stored = marked(event, extent, timing);
    if (stored.metadata.lateWithinMs !== undefined) late += 1;
    batch.push(stored);
    extent = extended(extent, event, timing);
    if (sequence % 100 === 0) eventIds.push(event._id);
    if (batch.length < BATCH_EVENTS && sequence < events) continue;
    await store.events.insertMany(batch, { ordered: false });
    batch = [];
  }
  store.snapshots.build(stream, vehicle);
  await store.snapshots.idle();
  const recorded = [new Date(begin), new Date(begin + lastMs)] as const;
  const end = new Date(begin + events * FIX_EVERY_MS);
  return { stream, begin: new Date(begin), end, recorded, late: late / events, eventIds };
}

const REGISTERED = {
  type: 'VehicleRegistered',
  payload: { licensePlate: 'BENCH 1', fleetId: 'north' },
} as const;

function factAt(sequence: number, fix: ToldFix | undefined): Pick<StoredEvent, 'type' | 'payload'> {
  if (fix === undefined) return REGISTERED;
  if (sequence % STATE_EVERY === 0) {
    const [from, to] =
      (sequence / STATE_EVERY) % 2 === 0 ? ['elsewhere', 'available'] : ['available', 'elsewhere'];
    return { type: 'VehicleStateChanged', payload: { from, to } };
  }
  const payload = {
    longitude: -97.7 + (fix.index % 1_000) / 10_000,
    latitude: 30.2 + (fix.index % 777) / 10_000,
    speedMps: fix.index % 30,
    headingDeg: fix.index % 360,
  };
  return { type: 'LocationTracked', payload };
}
