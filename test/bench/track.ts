import type { StoredEvent } from '../../src/eventstore/event.ts';
import type { VehicleRow } from '../../src/vehicle/projection.ts';
import { TRACK_LOCATION, TRACK_LOCATIONS } from './documents.ts';
import { openDocuments, openFixes, openRawLog } from './fixes.ts';
import {
  type Contender,
  closedLoop,
  type Findings,
  interleave,
  lineOf,
  type Plan,
  ratios,
  scaled,
} from './measure.ts';
import { bodyOf } from './requests.ts';
import { type Door, registerVehicles, type Stage } from './stage.ts';

const SINGLE_CONCURRENCY = 32;
const SINGLE_REQUESTS = 4_000;
/** Fixes in one request, each of a vehicle of its own. */
const BATCH = 500;
const BATCHES = 60;
const BATCHES_IN_FLIGHT = 4;

/** Fixes over HTTP beside an empty resolver, and beside the raw driver. */
export async function benchTrack(stage: Stage, plan: Plan): Promise<Findings> {
  const vehicleIds = await registerVehicles(stage, BATCH);
  const lags: number[] = [];
  const makers = { gateway: openFixes(vehicleIds), bare: openFixes(vehicleIds) };
  const settle = async (): Promise<void> => void lags.push(await projected(stage));

  const single = (name: string, door: Door, { round }: typeof makers.gateway): Contender => {
    const requests = scaled(plan, SINGLE_REQUESTS, SINGLE_CONCURRENCY);
    let bodies: Buffer[] = [];
    return {
      name,
      prepare() {
        const fixes = Array.from({ length: Math.ceil(requests / BATCH) }, round).flat();
        bodies = fixes.slice(0, requests).map((input) => bodyOf(TRACK_LOCATION, { input }));
      },
      run: () => postAll(door, bodies, SINGLE_CONCURRENCY, '"repeated":false'),
    };
  };
  const batched = (name: string, door: Door, { round }: typeof makers.gateway): Contender => {
    const requests = scaled(plan, BATCHES, BATCHES_IN_FLIGHT);
    let bodies: Buffer[] = [];
    return {
      name,
      prepare() {
        bodies = Array.from({ length: requests }, () =>
          bodyOf(TRACK_LOCATIONS, { input: { fixes: round() } }),
        );
      },
      run: async () => BATCH * (await postAll(door, bodies, BATCHES_IN_FLIGHT, `"recorded":${BATCH}`)),
    };
  };

  const [bareSingle = [], ownSingle = []] = await interleave(
    [
      single('bare', stage.bare, makers.bare),
      {
        ...single('gateway', stage.gateway, makers.gateway),
        settle: async () => void (await projected(stage)),
      },
    ],
    plan,
  );
  const [raw = [], bareBatched = [], ownBatched = []] = await interleave(
    [
      await rawInserts(stage, plan),
      batched('bare', stage.bare, makers.bare),
      { ...batched('gateway', stage.gateway, makers.gateway), settle },
    ],
    plan,
  );
  const lag = Math.round(lags.toSorted((a, b) => a - b)[Math.floor(lags.length / 2)] ?? 0);
  return {
    lines: [
      lineOf('`trackLocation`, c32', 'bare Yoga, empty resolver', ratios(ownSingle, bareSingle)),
      lineOf(
        `\`trackLocations\`, ${BATCH} fixes, c4`,
        'bare Yoga, empty resolver',
        ratios(ownBatched, bareBatched),
      ),
      lineOf(
        `\`trackLocations\`, ${BATCH} fixes, c4`,
        `raw insertMany of ${BATCH}, c4`,
        ratios(ownBatched, raw),
        0.5,
      ),
    ],
    notes: [
      `After a run of \`trackLocations\` the projector had caught up ${lag} ms after the last answer (median).`,
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

async function rawInserts(stage: Stage, plan: Plan): Promise<Contender> {
  const raw = await openRawLog<StoredEvent>(stage.db, 'raw_events');
  const documents = openDocuments(await sampleFix(stage), BATCH);
  const batches = scaled(plan, BATCHES, BATCHES_IN_FLIGHT);
  let rounds: StoredEvent[][] = [];
  return {
    name: 'raw',
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
