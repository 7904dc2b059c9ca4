import fc from 'fast-check';
import { UUID } from 'mongodb';
import type { NewEvent, StoredEvent } from '../../../src/eventstore/event.ts';
import { openRegistry } from '../../../src/eventstore/registry.ts';
import { extended, marked, NO_EXTENT } from '../../../src/eventstore/time-order.ts';
import { eventDefinitions } from '../../../src/model.ts';
import { minute } from '../../given.ts';

const registry = openRegistry(eventDefinitions);

/** What happens to an aggregate, when it happens and when it is told, as minutes of the story. */
interface Told {
  readonly fact: NewEvent;
  /** How long before the newest it occurred; mostly 0. */
  readonly late: number;
  readonly step: number;
  /** How far the recorder's clock is behind; mostly 0. */
  readonly skew: number;
}

const id = (n: number): string => `019503a0-0000-7000-8000-00000000000${n}`;
const few = fc.integer({ min: 1, max: 3 });
/** Few of them, so that a correction is one of a fix that is there. */
const fix = fc.record({
  longitude: fc.integer({ min: 1, max: 5 }),
  latitude: few,
  deviceId: fc.constantFrom('first', 'second'),
});

const vehicleFact: fc.Arbitrary<NewEvent> = fc.oneof(
  { weight: 5, arbitrary: fix.map((payload) => ({ type: 'LocationTracked', payload })) },
  {
    weight: 2,
    arbitrary: fc.tuple(few, fix, fix).map(([number, recorded, corrected]) => ({
      type: 'LocationCorrected',
      payload: { fixId: id(1), number, recorded, corrected },
      reasonCode: 'OTHER',
    })),
  },
  fc.constantFrom('removed', 'available', 'elsewhere').map((to) => ({
    type: 'VehicleStateChanged',
    payload: { from: 'available', to },
  })),
  few.map((n) => ({ type: 'VehicleReserved', payload: { tenderId: id(n) } })),
  few.map((n) => ({ type: 'TripEnded', payload: { tenderId: id(n) } })),
);

const tenderFact: fc.Arbitrary<NewEvent> = fc.oneof(
  few.map((n) => ({ type: 'TenderAmended', payload: { weightKg: n } })),
  few.map((n) => ({
    type: 'TenderOffered',
    payload: { offerId: id(n), carrierId: `C${n}`, expiresAt: minute(500 + n) },
  })),
  few.map((n) => ({ type: 'TenderAccepted', payload: { offerId: id(n), carrierId: `C${n}` } })),
  few.map((n) => ({ type: 'TenderDeclined', payload: { offerId: id(n), carrierId: `C${n}` } })),
  few.map((n) => ({ type: 'TenderAssigned', payload: { vehicleId: id(n) } })),
  few.map((n) => ({ type: 'StopArrived', payload: { stopSequence: n } })),
  few.map((n) => ({ type: 'ExceptionRaised', payload: { note: `${n}` }, reasonCode: 'OTHER' })),
);

const plan = few.map((n) => ({ stops: [{ name: `${n}`, longitude: n, latitude: n }], distanceM: n }));
const routeFact: fc.Arbitrary<NewEvent> = fc.record({ before: plan, after: plan }).map((payload) => ({
  type: 'RouteAdjusted',
  payload: { ...payload, source: 'DISPATCHER' },
  reasonCode: 'TRAFFIC',
}));

const FIRST = {
  Vehicle: { type: 'VehicleRegistered', payload: { licensePlate: 'ABC-123' } },
  Tender: { type: 'TenderCreated', payload: { reference: 'L-1', stops: [] } },
  Route: { type: 'RoutePlanned', payload: { stops: [] } },
} as const satisfies Record<string, NewEvent>;

const FURTHER = { Vehicle: vehicleFact, Tender: tenderFact, Route: routeFact };

/** Streams of one kind, each with an id of its own, as the append or an import would have stored them. */
export function streamOf(aggregateType: keyof typeof FIRST, tenantId: string): fc.Arbitrary<StoredEvent[]> {
  const told = fc.record({
    fact: FURTHER[aggregateType],
    late: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 60 })),
    step: fc.integer({ min: 0, max: 5 }),
    skew: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 20 })),
  });
  const founded = fc.integer({ min: -20, max: 20 });
  return fc.tuple(founded, fc.array(told, { minLength: 1, maxLength: 50, size: 'max' })).map(([at, rest]) => {
    let now = 0;
    const facts = [{ fact: FIRST[aggregateType], late: -at, step: 0, skew: 0 }, ...rest].map(
      ({ fact, late, step, skew }: Told): Happened => {
        now += step;
        return { fact, occurredAt: minute(now - late), recordedAt: minute(now + 30 - skew) };
      },
    );
    return stored(aggregateType, tenantId, facts);
  });
}

/** A fact and both of its times. */
interface Happened {
  readonly fact: NewEvent;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
}

function stored(aggregateType: string, tenantId: string, facts: readonly Happened[]): StoredEvent[] {
  const aggregateId = new UUID();
  let extent = NO_EXTENT;
  return facts.map(({ fact, occurredAt, recordedAt }, index) => {
    const event: StoredEvent = {
      _id: new UUID(),
      tenantId,
      aggregateType,
      aggregateId,
      sequence: index + 1,
      version: 1,
      ...fact,
      actor: { id: 'dora', role: 'dispatcher' },
      occurredAt,
      recordedAt,
      metadata: { origin: 'test', producerId: 'test', correlationId: 'test', commandHash: 'test' },
    };
    const timing = registry.timing(event);
    const told = marked(event, extent, timing);
    extent = extended(extent, event, timing);
    return told;
  });
}

/** A vehicle that is registered, then a fix at each of these minutes but the first, told a minute apart. */
export function fixesAt(minutes: readonly number[]): StoredEvent[] {
  const facts = minutes.map((at, index): Happened => {
    const payload = { longitude: 1 + (at % 90), latitude: 1 };
    const fact = index === 0 ? FIRST.Vehicle : { type: 'LocationTracked', payload };
    return { fact, occurredAt: minute(at), recordedAt: minute(index) };
  });
  return stored('Vehicle', 'acme', facts);
}

/** A tender that is entered, then an arrival at each of these minutes but the first, told a minute apart. */
export function arrivalsAt(minutes: readonly number[]): StoredEvent[] {
  const facts = minutes.map((at, index): Happened => {
    const fact = index === 0 ? FIRST.Tender : { type: 'StopArrived', payload: { stopSequence: 1 } };
    return { fact, occurredAt: minute(at), recordedAt: minute(index) };
  });
  return stored('Tender', 'acme', facts);
}

/** What an older Waybill marked late events by: by how much, at most. */
const OLD_MARKS = [16 ** 4, 16 ** 5, 16 ** 6, 16 ** 8];
const OLD_LAST_MARK = 16 ** 12;

/**
 * The same stream as a Waybill stored it that did not note yet when a decision takes effect: it marked whatever occurred
 * before something earlier in its stream, apart from the registration of a vehicle.
 */
export function asOlderVersion(events: readonly StoredEvent[]): StoredEvent[] {
  let occurred = Number.NEGATIVE_INFINITY;
  let recorded = Number.NEGATIVE_INFINITY;
  return events.map((event) => {
    const { lateWithinMs: _late, effectiveAt: _effective, ...metadata } = event.metadata;
    const isFounding = event.type === 'VehicleRegistered';
    const [occurredAt, recordedAt] = [event.occurredAt.getTime(), event.recordedAt.getTime()];
    const lateMs = isFounding ? 0 : occurred - occurredAt;
    const within = OLD_MARKS.find((limit) => lateMs < limit) ?? OLD_LAST_MARK;
    const mark = recordedAt < recorded ? OLD_LAST_MARK : within;
    const isLate = lateMs > 0 || recordedAt < recorded;
    if (!isFounding) occurred = Math.max(occurred, occurredAt);
    recorded = Math.max(recorded, recordedAt);
    return { ...event, metadata: isLate ? { ...metadata, lateWithinMs: mark } : metadata };
  });
}
