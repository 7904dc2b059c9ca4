import { clusterNow } from '../changes.ts';
import type { Store } from '../command/store.ts';
import { comparePlaces, divideStreams, type StreamRange } from '../log/ranges.ts';
import { openPace } from '../pace.ts';
import type { Projection } from '../projection.ts';
import { PROJECTOR_PATIENCE_MS } from './await-projector.ts';
import { openSuspicion, type Suspicion } from './confirm.ts';
import type { Finding } from './finding.ts';
import { strayIds } from './orphans.ts';
import { type RangeWalk, walkRange } from './range.ts';
import { placeOfRow } from './suspect.ts';
import { type Checksums, openTally, type Seen, type Tally } from './tally.ts';

export interface VerifyOptions {
  /** Only this tenant's streams and rows. */
  readonly tenantId?: string;
  /** Puts right rows in place of wrong ones. Streams are never touched. */
  readonly repair?: boolean;
  /** At most; as fast as it goes if absent. */
  readonly eventsPerSecond?: number;
  /** How long rows of an async read model are waited for while its projector makes no progress, in ms. */
  readonly patienceMs?: number;
  /** Ends it before the end. */
  readonly signal?: AbortSignal;
  /** Told of everything that is wrong, once it is certain. */
  onFinding?(finding: Finding, repaired: boolean): void;
  /** Told now and then; `expectedEvents` is estimated from a sample. */
  onProgress?(seen: Seen, expectedEvents: number): void;
}

/** What a verification came to. */
export interface VerifyReport extends Seen {
  /** The read model's name, or the kind of stream that has none. */
  readonly of: string;
  readonly checksums: Checksums;
  readonly seconds: number;
  /** False where it was ended before the end. */
  readonly complete: boolean;
}

/** The rows were folded by code of another version: all of them differ, and wait for a rebuild. */
export class OtherVersion extends Error {
  override readonly name = 'OtherVersion';

  constructor(projection: string, rows: number, code: number) {
    super(
      `The rows of ${projection} are of version ${rows} and this Waybill's of ${code}: \`npx waybill rebuild ${projection}\` brings them up to date.`,
    );
  }
}

/** Ranges gone through side by side: while one waits for the database, the other one is folded. */
const AT_ONCE = 2;
const BATCH_EVENTS = 1_000;
/** With a rate, batches are no larger than what it allows in this part of a second. */
const BATCHES_PER_SECOND = 4;

/**
 * Folds every stream of a read model from the log and holds the rows against it. Gateways may serve and write meanwhile:
 * nothing is named that was not wrong at one moment. Memory does not grow with the log.
 * @throws OtherVersion; what MongoDB throws, after a minute of trying
 */
export async function verifyProjection(
  store: Store,
  projection: Projection,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  await store.live.refresh();
  const { version } = store.live.pointer(projection);
  if (version !== projection.version) throw new OtherVersion(projection.name, version, projection.version);
  const run = await openRun(store, projection, options);
  await walkAll(run);
  if (options.tenantId === undefined) await findStrays(run);
  return endRun(run);
}

/** Looks for holes and doubles in the streams of a kind that has no read model. */
export async function verifyStreams(
  store: Store,
  aggregateType: string,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const run = await openRun(store, withoutRows(aggregateType), options);
  // No tenant is known to have rows, so none is asked for them.
  await walkAll({ ...run, walk: { ...run.walk, tenantIds: [] } });
  return endRun(run);
}

/** Kinds of streams that no read model is folded from. */
export function kindsWithoutRows({ registry, projections }: Store): string[] {
  const shown = new Set(projections.map(({ aggregateType }) => aggregateType));
  return [...new Set(registry.all.map(({ aggregateType }) => aggregateType))].filter(
    (kind) => !shown.has(kind),
  );
}

function withoutRows(aggregateType: string): Projection {
  return { name: aggregateType, version: 0, aggregateType, mode: 'inline', indexes: [], evolve: () => null };
}

interface Run {
  readonly walk: RangeWalk;
  readonly suspicion: Suspicion;
  readonly tally: Tally;
  readonly ranges: readonly StreamRange[];
  readonly began: number;
}

async function openRun(store: Store, projection: Projection, options: VerifyOptions): Promise<Run> {
  const { tenantId, repair = false, eventsPerSecond, onFinding, onProgress } = options;
  const { patienceMs = PROJECTOR_PATIENCE_MS } = options;
  const signal = options.signal ?? new AbortController().signal;
  const began = performance.now();
  const notBefore = await clusterNow(store.db);
  const { ranges, events } = await rangesOf(store, projection.aggregateType, tenantId);
  const tenantIds = tenantId === undefined ? await tenantsOf(store) : [tenantId];
  const tally = openTally();
  const suspicion = openSuspicion(store, projection, {
    tally,
    repair,
    patienceMs,
    onFinding: (finding, repaired) => onFinding?.(finding, repaired),
  });
  const pace = eventsPerSecond === undefined ? undefined : openPace(eventsPerSecond, signal);
  const walk: RangeWalk = {
    store,
    projection,
    notBefore,
    tenantIds,
    batchEvents: batchOf(eventsPerSecond),
    tally,
    signal,
    suspect: (suspect) => suspicion.add(suspect),
    pace: async (count) => {
      onProgress?.(tally.seen(), events);
      await pace?.done(count);
    },
  };
  return { walk, suspicion, tally, ranges, began };
}

function batchOf(eventsPerSecond = Number.POSITIVE_INFINITY): number {
  return Math.max(1, Math.min(BATCH_EVENTS, Math.ceil(eventsPerSecond / BATCHES_PER_SECOND)));
}

async function rangesOf(store: Store, aggregateType: string, tenantId: string | undefined) {
  if (tenantId === undefined) return divideStreams(store, aggregateType);
  const aggregateId = '00000000-0000-0000-0000-000000000000';
  // The least text behind the tenant's own.
  const range = { from: { tenantId, aggregateId }, to: { tenantId: `${tenantId}\0`, aggregateId } };
  const events = await store.events.countDocuments({ tenantId, aggregateType });
  return { ranges: [range], events };
}

/** All that the log knows, in its order; leapt over by the stream index. */
async function tenantsOf({ events }: Store): Promise<string[]> {
  const tenantIds: string[] = await events.distinct('tenantId');
  const placeOf = (tenantId: string) => ({ tenantId, aggregateId: '' });
  return tenantIds.sort((a, b) => comparePlaces(placeOf(a), placeOf(b)));
}

async function walkAll({ walk, ranges }: Run): Promise<void> {
  const left = ranges.values();
  const work = async (): Promise<void> => {
    for (const range of left) if (!walk.signal.aborted) await walkRange(walk, range);
  };
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
  const failure = ended.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

async function findStrays({ walk }: Run): Promise<void> {
  const { store, projection, tenantIds, tally, signal } = walk;
  for await (const ids of strayIds(store, projection, tenantIds)) {
    for (const id of ids) {
      tally.row();
      await walk.suspect({ id, place: placeOfRow(id), stream: undefined });
    }
    if (signal.aborted) return;
    await walk.pace(ids.length);
  }
}

async function endRun({ walk, suspicion, tally, began }: Run): Promise<VerifyReport> {
  await suspicion.end();
  return {
    of: walk.projection.name,
    ...tally.seen(),
    checksums: tally.checksums(),
    seconds: (performance.now() - began) / 1_000,
    complete: !walk.signal.aborted,
  };
}
