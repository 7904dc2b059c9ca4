import type { StoredEvent } from '../../src/eventstore/event.ts';
import type { VehicleRow } from '../../src/vehicle/projection.ts';
import { TRACK_LOCATION, TRACK_LOCATIONS } from './documents.ts';
import { openDocuments, openFixes, openRawLog } from './fixes.ts';
import {
  type Contender,
  closedLoop,
  compare,
  type Findings,
  interleave,
  lineOf,
  type Plan,
  quantile,
  ratios,
  scaled,
} from './measure.ts';
import { bodyOf } from './requests.ts';
import { type Door, registerVehicles, type Stage } from './stage.ts';

const SINGLE_CONCURRENCY = 64;
const SINGLE_REQUESTS = 4_000;
/** Fixes in one request, each of a vehicle of its own. */
const BATCH = 500;
const BATCHES = 60;
const BATCHES_IN_FLIGHT = 4;

/** Single fixes over HTTP beside an empty resolver. */
export async function benchTrack(stage: Stage, plan: Plan): Promise<Findings> {
  const vehicleIds = await registerVehicles(stage, BATCH);
  const requests = scaled(plan, SINGLE_REQUESTS, SINGLE_CONCURRENCY);
  const contender = (name: string, door: Door): Contender => {
    const fixes = openFixes(vehicleIds);
    let bodies: Buffer[] = [];
    return {
      name,
      prepare() {
        const rounds = Array.from({ length: Math.ceil(requests / BATCH) }, fixes.round).flat();
        bodies = rounds.slice(0, requests).map((input) => bodyOf(TRACK_LOCATION, { input }));
      },
      run: () => postAll(door, bodies, SINGLE_CONCURRENCY, '"repeated":false'),
    };
  };
  const lines = await compare(
    contender('bare Yoga, empty resolver', stage.bare),
    [
      {
        ...contender(`\`trackLocation\`, c${SINGLE_CONCURRENCY}`, stage.gateway),
        atLeast: 1,
        settle: async () => void (await projected(stage)),
      },
    ],
    plan,
  );
  return { lines };
}

/**
 * Fixes in batches over HTTP beside an empty resolver, and beside the raw driver. Each request in flight has vehicles of
 * its own, as gateways of different fleets have.
 */
export async function benchTrackBatch(stage: Stage, plan: Plan): Promise<Findings> {
  const vehicleIds = await registerVehicles(stage, BATCH * BATCHES_IN_FLIGHT);
  const requests = scaled(plan, BATCHES, BATCHES_IN_FLIGHT);
  const lags: number[] = [];
  const contender = (name: string, door: Door): Contender => {
    const fleets = Array.from({ length: BATCHES_IN_FLIGHT }, (_, index) =>
      openFixes(vehicleIds.slice(index * BATCH, (index + 1) * BATCH)),
    );
    let bodies: Buffer[] = [];
    return {
      name,
      prepare() {
        bodies = Array.from({ length: requests }, (_, index) => {
          const fixes = fleets[index % BATCHES_IN_FLIGHT]?.round();
          return bodyOf(TRACK_LOCATIONS, { input: { fixes } });
        });
      },
      run: async () => BATCH * (await postAll(door, bodies, BATCHES_IN_FLIGHT, `"recorded":${BATCH}`)),
    };
  };
  const bareYoga = contender('bare Yoga, empty resolver', stage.bare);
  const gateway: Contender = {
    ...contender(`\`trackLocations\`, ${BATCH} fixes, c${BATCHES_IN_FLIGHT}`, stage.gateway),
    settle: async () => void lags.push(await projected(stage)),
  };
  // First of all, so that there is a recorded fix to copy.
  gateway.prepare?.();
  await gateway.run();
  const raw = await rawInserts(stage, requests);
  const [rawRates = [], bareRates = [], ownRates = []] = await interleave([raw, bareYoga, gateway], plan);
  return {
    lines: [
      lineOf(gateway.name, bareYoga.name, ratios(ownRates, bareRates)),
      lineOf(gateway.name, raw.name, ratios(ownRates, rawRates), 0.5),
    ],
    notes: [
      `After ${requests} requests of \`trackLocations\` the projector had caught up ` +
        `${Math.round(quantile(lags, 0.5))} ms after the last answer (median).`,
    ],
  };
}

async function postAll(
  { requests }: Door,
  bodies: readonly Buffer[],
  concurrency: number,
  expected: string,
): Promise<number> {
  return closedLoop(bodies.length, concurrency, async (index) => {
    const answer = await requests.post(bodies[index] ?? Buffer.alloc(0));
    if (!answer.includes(expected)) throw new Error(`An answer without ${expected}: ${answer.slice(0, 500)}`);
  });
}

async function rawInserts(stage: Stage, batches: number): Promise<Contender> {
  const raw = await openRawLog<StoredEvent>(stage.db, 'raw_events');
  const documents = openDocuments(await sampleFix(stage), BATCH);
  let rounds: StoredEvent[][] = [];
  return {
    name: `raw insertMany of ${BATCH}, c${BATCHES_IN_FLIGHT}`,
    prepare() {
      rounds = Array.from({ length: batches }, documents.round);
    },
    run: async () =>
      BATCH *
      (await closedLoop(batches, BATCHES_IN_FLIGHT, (index) =>
        raw.insertMany(rounds[index] ?? [], { ordered: false }),
      )),
  };
}

async function sampleFix({ db }: Stage): Promise<StoredEvent> {
  const sample = await db.collection<StoredEvent>('events').findOne({ type: 'LocationTracked' });
  if (sample === null) throw new Error('No fix was recorded.');
  return sample;
}

/** Waits until the projector has every event of a vehicle. @returns how long that took, in ms */
async function projected({ db }: Stage): Promise<number> {
  const started = performance.now();
  const events = await db.collection('events').countDocuments({ tenantId: 'demo', aggregateType: 'Vehicle' });
  for (;;) {
    const [sum] = await db
      .collection<VehicleRow>('fleet_status')
      .aggregate<{ folded: number }>([{ $group: { _id: null, folded: { $sum: '$lastSequence' } } }])
      .toArray();
    if (sum !== undefined && sum.folded >= events) return performance.now() - started;
  }
}
