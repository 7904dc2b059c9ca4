import { setTimeout as pause } from 'node:timers/promises';
import type { Collection } from 'mongodb';
import { AMEND_TENDER, TENDER_CHANGES, TRACK_LOCATION, VEHICLE_CHANGES } from './documents.ts';
import { openFixes, openRawLog } from './fixes.ts';
import { type Findings, type Line, type Plan, quantile, ratios, scaled } from './measure.ts';
import { bodyOf } from './requests.ts';
import { createTenders, registerVehicles, type Stage } from './stage.ts';
import { openStoreWays } from './store-ways.ts';
import { subscribe, type Watcher, watchRaw } from './watchers.ts';

/** Writes of each kind in one repetition; the p99 of fewer is only their worst. */
const WRITES = 300;
/** Between two writes, so that none shares a batch with the one before. */
const PACE_MS = 4;

/** One way from a write to whoever watches. */
interface Way extends Watcher {
  readonly name: string;
  /** Resolves with the acknowledgement. */
  write(): Promise<unknown>;
}

/** Milliseconds until a change had arrived; the second may be negative, as a watcher may know first. */
interface Sample {
  readonly fromSending: number;
  readonly fromAnswer: number;
}

/**
 * From a write to a subscriber, beside a raw write to a raw change stream in the client's own process: the event store's
 * own, without HTTP as the raw driver is, and the API's, with a request, GraphQL and a socket on top.
 */
export async function benchLatency(stage: Stage, plan: Plan): Promise<Findings> {
  const own = await openStoreWays(stage.client);
  const ways: readonly Way[] = [
    ...(await Promise.all([
      rawReplaces(stage),
      tenderChanges(stage),
      rawInserts(stage),
      vehicleChanges(stage),
      rawTransactions(stage),
    ])),
    { name: 'Event store, tender → feed (inline)', ...own.tender },
    { name: 'Event store, fix → feed (async)', ...own.fix },
  ];
  try {
    const rounds: Sample[][][] = [];
    await round(ways, scaled(plan, WRITES / 5, 20));
    for (let index = 0; index < plan.repetitions; index++)
      rounds.push(await round(ways, scaled(plan, WRITES, 20)));
    const of = (way: number): Sample[][] => rounds.map((samples) => samples[way] ?? []);
    return {
      lines: [
        ...linesOf('tender write → feed, inline', 'raw insert → change stream', of(5), of(2), 2),
        ...linesOf('tender write → feed, inline', 'raw replace → change stream', of(5), of(0)),
        ...linesOf('fix → feed, async', 'raw insert → change stream', of(6), of(2), 4),
        ...linesOf('tender over the API → `tenderChanges`', 'raw replace → change stream', of(1), of(0)),
        ...linesOf(
          'tender over the API → `tenderChanges`',
          'raw transaction (insert, replace) → change stream',
          of(1),
          of(4),
        ),
        ...linesOf('fix over the API → `vehicleChanges`', 'raw insert → change stream', of(3), of(2)),
      ],
      notes: ways.map(({ name }, way) => noteOf(name, of(way).flat())),
    };
  } finally {
    for (const way of ways) await way.close();
    await own.close();
  }
}

async function round(ways: readonly Way[], writes: number): Promise<Sample[][]> {
  const samples: Sample[][] = ways.map(() => []);
  for (let write = 0; write < writes; write++) {
    for (const [index, way] of ways.entries()) {
      samples[index]?.push(await once(way));
      await pause(PACE_MS);
    }
  }
  return samples;
}

async function once(way: Way): Promise<Sample> {
  const arrival = way.arrival();
  const sent = performance.now();
  const answer = way.write().then(() => performance.now());
  const [arrivedAt, answeredAt] = await Promise.all([arrival, answer]);
  return { fromSending: arrivedAt - sent, fromAnswer: arrivedAt - answeredAt };
}

function linesOf(
  what: string,
  against: string,
  own: readonly Sample[][],
  limit: readonly Sample[][],
  atMost?: number,
): Line[] {
  const at = (rounds: readonly Sample[][], fraction: number): number[] =>
    rounds.map((samples) =>
      quantile(
        samples.map(({ fromSending }) => fromSending),
        fraction,
      ),
    );
  const p50 = ratios(at(own, 0.5), at(limit, 0.5));
  const p99 = ratios(at(own, 0.99), at(limit, 0.99));
  return [
    { what: `${what}, p50 of the time`, against, ratio: p50 },
    {
      what: `${what}, p99 of the time`,
      against,
      ratio: p99,
      ...(atMost === undefined ? {} : { wanted: `≤ ${atMost}`, ok: p99.median <= atMost }),
    },
  ];
}

function noteOf(name: string, samples: readonly Sample[]): string {
  const ms = (field: keyof Sample): string => {
    const values = samples.map((sample) => sample[field]);
    return `${quantile(values, 0.5).toFixed(1)} / ${quantile(values, 0.99).toFixed(1)} ms`;
  };
  return `${name}, p50 / p99: ${ms('fromSending')} from sending, ${ms('fromAnswer')} from the answer.`;
}

async function tenderChanges(stage: Stage): Promise<Way> {
  const [tenderId] = await createTenders(stage, 1);
  const watcher = await subscribe(stage.gateway.url, stage.token, TENDER_CHANGES, 'TenderUpdated');
  let weightKg = 0;
  return {
    name: 'Tender write → `tenderChanges` (inline)',
    ...watcher,
    write: () => {
      weightKg += 1;
      return stage.gateway.requests.post(bodyOf(AMEND_TENDER, { input: { tenderId, weightKg } }));
    },
  };
}

async function vehicleChanges(stage: Stage): Promise<Way> {
  const fixes = openFixes(await registerVehicles(stage, 1));
  const watcher = await subscribe(stage.gateway.url, stage.token, VEHICLE_CHANGES, 'VehiclesMoved');
  return {
    name: 'Fix → `vehicleChanges` (async)',
    ...watcher,
    write: () => {
      const [input] = fixes.round();
      return stage.gateway.requests.post(bodyOf(TRACK_LOCATION, { input }));
    },
  };
}

interface RawRow {
  readonly _id: string;
  readonly lastSequence: number;
}

/** A row as of `sequence`; the rest is there for its size. */
function rawRow(lastSequence: number): Omit<RawRow, '_id'> {
  const shown = { tenantId: 'demo', status: 'OPEN', stops: [{ name: 'Austin' }, { name: 'Dallas' }] };
  return { ...shown, lastSequence };
}

/** What a row of an inline read model is: a document that is replaced. */
async function rawReplaces({ db }: Stage): Promise<Way> {
  const rows: Collection<RawRow> = db.collection('raw_rows');
  await rows.insertOne({ _id: 'row', lastSequence: 0 });
  const watcher = await watchRaw(rows);
  let sequence = 0;
  return {
    name: 'Raw replace → change stream',
    ...watcher,
    write: () => {
      sequence += 1;
      return rows.replaceOne({ _id: 'row' }, rawRow(sequence));
    },
  };
}

/** What recording an event with an inline row takes at least: both in one transaction. */
async function rawTransactions({ client, db }: Stage): Promise<Way> {
  const rows: Collection<RawRow> = db.collection('raw_transacted');
  const log = await openRawLog(db, 'raw_log');
  await rows.insertOne({ _id: 'row', lastSequence: 0 });
  const watcher = await watchRaw(rows);
  let sequence = 0;
  return {
    name: 'Raw transaction → change stream',
    ...watcher,
    write: () => {
      sequence += 1;
      const stream = { tenantId: 'demo', aggregateType: 'Tender', aggregateId: 'one', sequence };
      return client.withSession((session) =>
        session.withTransaction(
          async () => {
            await log.insertOne({ ...stream, recordedAt: new Date(), row: rawRow(sequence) }, { session });
            await rows.replaceOne({ _id: 'row' }, rawRow(sequence), { session });
          },
          { readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority', journal: true } },
        ),
      );
    },
  };
}

/** What a fix is to the log: a document that is inserted. */
async function rawInserts(stage: Stage): Promise<Way> {
  const raw = await openRawLog(stage.db, 'raw_fixes');
  const watcher = await watchRaw(raw);
  let sequence = 0;
  return {
    name: 'Raw insert → change stream',
    ...watcher,
    write: () => {
      sequence += 1;
      const occurredAt = new Date();
      const payload = { longitude: -97.7, latitude: 30.2, speedMps: 3, headingDeg: 90 };
      const stream = { tenantId: 'demo', aggregateType: 'Vehicle', aggregateId: 'one', sequence };
      return raw.insertOne({
        ...stream,
        type: 'LocationTracked',
        payload,
        occurredAt,
        recordedAt: occurredAt,
      });
    },
  };
}
