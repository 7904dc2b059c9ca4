import { Timestamp } from 'mongodb';
import { Delivery } from '../../src/eventstore/feed/cursor.ts';
import { FEED_LIMITS } from '../../src/eventstore/feed/limits.ts';
import { InterestIndex } from '../../src/eventstore/feed/source/interest-index.ts';
import { openLatestLane } from '../../src/eventstore/feed/subscriber/latest-lane.ts';
import { selectVehicles } from '../../src/vehicle/filter.ts';
import type { VehicleRow } from '../../src/vehicle/projection.ts';
import { type Contender, compare, type Findings, type Plan, scaled } from './measure.ts';

const FEW = 100;
const MANY = 10_000;
const CHANGES = 200_000;
/** Each subscriber looks at a square of its own. */
const BOX_DEG = 0.1;
/** One change of so many takes the vehicle over the edge of a square. */
const STEPS_IN_A_BOX = 10;
const AT_LEAST = 0.6;

type Lane = ReturnType<typeof openLatestLane<VehicleRow>>;

/** A change of one vehicle on its way to maps that look at different places: many of them beside few. */
export async function benchDelivery(plan: Plan): Promise<Findings> {
  const changes = scaled(plan, CHANGES, 1_000);
  const few = delivering(FEW, changes);
  const many = delivering(MANY, changes);
  return { lines: await compare(few, [{ ...many, atLeast: AT_LEAST }], plan) };
}

function delivering(subscribers: number, changes: number): Contender {
  const index = new InterestIndex<VehicleRow, Lane>({
    versionOf: (row) => row.lastSequence,
    remembered: FEED_LIMITS.rememberedRows,
  });
  const side = Math.sqrt(subscribers);
  for (let n = 0; n < subscribers; n++) {
    const west = -100 + (n % side) * BOX_DEG;
    const south = 30 + Math.floor(n / side) * BOX_DEG;
    const within = { west, south, east: west + BOX_DEG, north: south + BOX_DEG };
    const { matches, interest } = selectVehicles('demo', { within });
    index.join(openLatestLane(matches, undefined, FEED_LIMITS), interest);
  }
  let sequence = 0;
  const drive = (): void => {
    sequence += 1;
    // There and back again, through the squares of one row.
    const step = sequence % (2 * STEPS_IN_A_BOX * side);
    const steps = Math.min(step, 2 * STEPS_IN_A_BOX * side - step);
    const row = vehicleAt(
      -100 + (steps / STEPS_IN_A_BOX) * BOX_DEG,
      30 + (side / 2) * BOX_DEG + 0.05,
      sequence,
    );
    const place = { time: Timestamp.fromNumber(sequence), ordinal: 1 };
    const delivery = new Delivery<VehicleRow>('fleet_status/demo', row.id, row, place, 1);
    const concerned = index.concerned({ id: row.id, document: row, isNew: sequence === 1 });
    for (const lane of concerned) {
      lane.accept(delivery);
      lane.take(sequence);
    }
  };
  return {
    name: `a moving vehicle's change to whom it concerns of ${subscribers.toLocaleString('en')} different boxes`,
    run: async () => {
      for (let n = 0; n < changes; n++) drive();
      return changes;
    },
  };
}

function vehicleAt(longitude: number, latitude: number, lastSequence: number): VehicleRow {
  const at = new Date();
  const id = '019503a0-0000-7000-8000-000000000001';
  return {
    _id: `demo/${id}`,
    tenantId: 'demo',
    id,
    lastSequence,
    licensePlate: 'BENCH 1',
    fleetId: 'north',
    state: 'available',
    position: { longitude, latitude, occurredAt: at, recordedAt: at },
  } as VehicleRow;
}
