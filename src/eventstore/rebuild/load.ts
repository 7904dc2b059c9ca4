import { type Collection, MongoBulkWriteError, type Timestamp } from 'mongodb';
import { retry } from '../backoff.ts';
import { isDuplicateKey, isPassing } from '../faults.ts';
import type { StreamRange } from '../log/ranges.ts';
import { type ReplayStore, replayStreams } from '../log/replay.ts';
import type { ReplayedStream, StreamFault } from '../log/stream-fold.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { type Projection, type Row, rowId } from '../projection.ts';

/** A stream that could not be folded as it should. */
export interface FaultyStream {
  /** `tenantId/id`, the row's `_id`. */
  readonly row: string;
  readonly fault: StreamFault;
}

/** What loading a range of streams came to. Plain data: it goes from one thread to another. */
export interface RangeLoad {
  readonly events: number;
  readonly streams: number;
  readonly rows: number;
  /** How many streams are faulty, and the first of them. */
  readonly faulty: number;
  readonly faults: readonly FaultyStream[];
  /** What of a newer Waybill it met first, in few words; then the rows are not what they should be. */
  readonly newer?: string;
}

/** Where rows are built, and from which state of the log at least. */
export interface LoadTarget {
  readonly collection: string;
  readonly notBefore: Timestamp;
}

/** What loading needs of the store: a thread of its own opens no more than that. */
export type LoadStore = ReplayStore & Pick<ReadModels, 'db' | 'log'>;

/** Faulty streams that are named. */
export const NAMED_FAULTS = 100;
const BATCH_ROWS = 1_000;
/** How often a range is begun again while the database is away: for about a minute. */
const TRIES = 35;

/**
 * Folds a range of streams and inserts the rows where they are built. It may be done any number of times: a row that is
 * there already was folded from the same log, and is caught up later.
 */
export async function loadRange(
  store: LoadStore,
  projection: Projection,
  range: StreamRange,
  target: LoadTarget,
): Promise<RangeLoad> {
  return retry(() => loadOnce(store, projection, range, target), {
    when: (error, failures) => {
      if (!isPassing(error)) return false;
      store.log.warn({ err: error, projection: projection.name, failures }, 'a range is replayed once more');
      return true;
    },
    tries: TRIES,
  });
}

async function loadOnce(
  store: LoadStore,
  projection: Projection,
  range: StreamRange,
  { collection, notBefore }: LoadTarget,
): Promise<RangeLoad> {
  const rows = store.db.collection<Row>(collection, { writeConcern: { w: 'majority', journal: true } });
  const load: Load = { events: 0, streams: 0, rows: 0, faulty: 0, faults: [] };
  let pending: Row[] = [];
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    await writing;
    writing = insertNew(rows, pending);
    // A failure is seen before the next write, and at the end; until then nobody else may handle it.
    writing.catch(() => undefined);
    pending = [];
  };
  for await (const streams of replayStreams(store, projection, range, { notBefore })) {
    for (const stream of streams) {
      load.events += stream.events;
      load.streams += 1;
      if (stream.faults.length > 0) note(load, stream);
      if (stream.row === null) continue;
      load.rows += 1;
      pending.push(stream.row);
    }
    if (pending.length >= BATCH_ROWS) await write();
  }
  await write();
  await writing;
  return load;
}

type Load = { -readonly [Field in keyof RangeLoad]: RangeLoad[Field] } & { readonly faults: FaultyStream[] };

function note(load: Load, stream: ReplayedStream): void {
  const [fault] = stream.faults;
  for (const { kind, ...rest } of stream.faults)
    if (kind === 'newer' && 'what' in rest) load.newer ??= rest.what;
  load.faulty += 1;
  if (fault !== undefined && load.faults.length < NAMED_FAULTS)
    load.faults.push({ row: rowId(stream.tenantId, stream.aggregateId), fault });
}

/** Inserts rows together; those that are there already stay as they are. */
async function insertNew(collection: Collection<Row>, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  try {
    await collection.insertMany(rows, { ordered: false });
  } catch (error) {
    const isThere =
      error instanceof MongoBulkWriteError &&
      error.result.getWriteConcernError() === undefined &&
      [error.writeErrors].flat().every(isDuplicateKey);
    if (!isThere) throw error;
  }
}
