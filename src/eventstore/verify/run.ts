import { clusterNow } from '../changes.ts';
import { comparePlaces, divideStreams, type StreamRange } from '../log/ranges.ts';
import { openPace } from '../pace.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import { PROJECTOR_PATIENCE_MS } from './await-projector.ts';
import { type Confirmation, openConfirmation } from './confirm.ts';
import { orphanIds } from './orphans.ts';
import { type RangeWalk, walkRange } from './range.ts';
import { placeOfRow } from './suspect.ts';
import { openTally, type Tally } from './tally.ts';
import type { VerifyOptions, VerifyReport } from './verification.ts';

/** Ranges gone through side by side: while one waits for the database, the other one is folded. */
const AT_ONCE = 2;
const BATCH_EVENTS = 1_000;
/** With a rate, batches are no larger than what it allows in this part of a second. */
const BATCHES_PER_SECOND = 4;

interface Run {
  readonly walk: RangeWalk;
  readonly confirmation: Confirmation;
  readonly tally: Tally;
  readonly ranges: readonly StreamRange[];
}

/** @param hasRows false: only the streams are looked at, and no rows are asked for */
export async function runVerification(
  store: ReadModels,
  projection: Projection,
  options: VerifyOptions,
  hasRows: boolean,
): Promise<VerifyReport> {
  const began = performance.now();
  const run = await openRun(store, projection, options, hasRows);
  const { walk, confirmation, tally } = run;
  await walkRanges(run);
  if (hasRows && options.tenantId === undefined) await findOrphans(walk);
  await confirmation.end();
  return {
    of: projection.name,
    ...tally.counts(),
    checksums: tally.checksums(),
    seconds: (performance.now() - began) / 1_000,
    complete: !walk.signal.aborted,
  };
}

async function openRun(
  store: ReadModels,
  projection: Projection,
  options: VerifyOptions,
  hasRows: boolean,
): Promise<Run> {
  const { tenantId, repair = false, eventsPerSecond, patienceMs = PROJECTOR_PATIENCE_MS } = options;
  const signal = options.signal ?? new AbortController().signal;
  const notBefore = await clusterNow(store.db);
  const { ranges, events } = await rangesOf(store, projection.aggregateType, tenantId);
  const tally = openTally();
  const confirmation = openConfirmation({
    store,
    projection,
    tally,
    repair,
    patienceMs,
    onFinding: (finding, repaired) => options.onFinding?.(finding, repaired),
  });
  const pace = eventsPerSecond === undefined ? undefined : openPace(eventsPerSecond, signal);
  const walk: RangeWalk = {
    store,
    projection,
    notBefore,
    // Rows are read tenant by tenant: without tenants none are.
    tenantIds: hasRows ? await tenantsOf(store, tenantId) : [],
    batchEvents: batchOf(eventsPerSecond),
    tally,
    signal,
    suspect: (suspect) => confirmation.add(suspect),
    pace: async (count) => {
      options.onProgress?.(tally.counts(), events);
      await pace?.done(count);
    },
  };
  return { walk, confirmation, tally, ranges };
}

function batchOf(eventsPerSecond = Number.POSITIVE_INFINITY): number {
  return Math.max(1, Math.min(BATCH_EVENTS, Math.ceil(eventsPerSecond / BATCHES_PER_SECOND)));
}

async function rangesOf(store: ReadModels, aggregateType: string, tenantId: string | undefined) {
  if (tenantId === undefined) return divideStreams(store, aggregateType);
  const aggregateId = '00000000-0000-0000-0000-000000000000';
  // Up to the least text that comes after the tenant's own.
  const range = { from: { tenantId, aggregateId }, to: { tenantId: `${tenantId}\0`, aggregateId } };
  const events = await store.events.countDocuments({ tenantId, aggregateType });
  return { ranges: [range], events };
}

/** The given one, or all that the log knows, in its order: the stream index leaps from one to the next. */
async function tenantsOf({ events }: ReadModels, tenantId: string | undefined): Promise<string[]> {
  if (tenantId !== undefined) return [tenantId];
  const tenantIds: string[] = await events.distinct('tenantId');
  const placeOf = (id: string) => ({ tenantId: id, aggregateId: '' });
  return tenantIds.sort((a, b) => comparePlaces(placeOf(a), placeOf(b)));
}

async function walkRanges({ walk, ranges }: Run): Promise<void> {
  const left = ranges.values();
  const work = async (): Promise<void> => {
    for (const range of left) if (!walk.signal.aborted) await walkRange(walk, range);
  };
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
  const failure = ended.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

async function findOrphans(walk: RangeWalk): Promise<void> {
  const { store, projection, tenantIds, tally, signal } = walk;
  for await (const ids of orphanIds(store, projection, tenantIds)) {
    for (const id of ids) {
      tally.row();
      await walk.suspect({ id, place: placeOfRow(id), stream: undefined });
    }
    if (signal.aborted) return;
    await walk.pace(ids.length);
  }
}
