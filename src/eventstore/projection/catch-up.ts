import type { StreamOfRow } from '../aggregate.ts';
import { retry } from '../backoff.ts';
import { clusterNow } from '../changes.ts';
import { streamsBehind } from '../log/streams-behind.ts';
import type { Projection } from '../projection.ts';
import { awaitCheckpoint } from './await-checkpoint.ts';
import { startProjector } from './projector.ts';
import type { Recover } from './projector-task.ts';
import type { ReadModels } from './read-models.ts';
import { ChangedElsewhere, writeChanges } from './row-changes.ts';
import { openRowFolds, type RowFolds } from './row-folds.ts';
import { mayWriteAgain } from './row-writes.ts';

/** How long a chunk of rows is tried, and a projector may be silent, in ms. */
const PATIENCE_MS = 60_000;
/** How often a projector's checkpoint is looked at, in ms. */
const LOOK_MS = 200;

/** What catching a read model up with the log came to. */
export interface CaughtUp {
  readonly projection: string;
  /** Rows that were behind and are not any more; of an async read model it is not counted. */
  readonly rows?: number;
  /** Rows that an event which cannot be folded keeps back. */
  readonly poisoned: number;
  /** True where some of these wait for a newer version, which knows the events that keep them back. */
  readonly leftToNewer?: boolean;
  /** False: its projector makes no progress. */
  readonly complete: boolean;
}

/**
 * Catches every read model up with the log: what was recorded past the commands has no rows yet. Gateways may serve and
 * write meanwhile. The rows of inline ones must be of this log.
 * @param recover makes those of async ones so
 * @throws what MongoDB throws, after PATIENCE_MS of trying
 */
export async function catchUpAll(
  store: ReadModels,
  projections: readonly Projection[],
  recover?: Recover,
): Promise<CaughtUp[]> {
  const caughtUp: CaughtUp[] = [];
  for (const projection of projections)
    caughtUp.push(
      projection.mode === 'inline'
        ? await catchUpRows(store, projection)
        : await awaitProjector(store, projection, recover),
    );
  return caughtUp;
}

/**
 * Catches the rows of an inline read model up with the log. It needs no lease: a row is written only onto the state it
 * was folded from, and a command that is faster has folded the same events.
 */
export async function catchUpRows(store: ReadModels, projection: Projection): Promise<CaughtUp> {
  const { name } = projection;
  const collection = (): string => store.live.collectionOf(projection);
  let leftToNewer = false;
  const folds = openRowFolds({
    store,
    projection,
    collection,
    cachedRows: 1,
    // Few rows are behind, and none tells whether newer code has folded it.
    mistrusted: () => true,
    onPoison: (behind, err) => {
      if (behind.newer !== undefined) {
        leftToNewer = true;
        return;
      }
      store.log.error(
        { err, projection: name, behind },
        'an event cannot be folded; its row stays as it was',
      );
    },
  });
  let rows = 0;
  for await (const streams of streamsBehind(store, projection, await clusterNow(store.db), collection))
    if (streams.length > 0) rows += await catchUpChunk(store, projection, folds, streams);
  const caughtUp = { projection: name, rows, poisoned: folds.behind.size, complete: true };
  return leftToNewer ? { ...caughtUp, leftToNewer } : caughtUp;
}

/** @returns how many rows were written */
async function catchUpChunk(
  store: ReadModels,
  projection: Projection,
  folds: RowFolds,
  streams: readonly StreamOfRow[],
): Promise<number> {
  const deadline = performance.now() + PATIENCE_MS;
  const writeOnce = async (): Promise<number> => {
    const target = { projection: projection.name, collection: store.live.collectionOf(projection) };
    await store.live.beforeWriting([projection.name]);
    const changes = await folds.catchUp(streams);
    folds.forget(changes);
    const withRows = changes.filter(({ row }) => row !== null);
    await writeChanges(store.db, target, withRows);
    return withRows.length;
  };
  return retry(writeOnce, {
    // The next try looks again at what is behind: a command may have written some of the rows.
    when: async (error) =>
      error instanceof ChangedElsewhere ||
      ((await mayWriteAgain(store.live, error)) && performance.now() <= deadline),
  });
}

/**
 * Waits until the projector of an async read model has caught up with the log: that of a running gateway, which follows
 * the inserts, or else one of our own.
 */
async function awaitProjector(
  store: ReadModels,
  projection: Projection,
  recover: Recover | undefined,
): Promise<CaughtUp> {
  const { name } = projection;
  const since = new Date(store.clock.now());
  const own = await startProjector(store, [projection], recover === undefined ? {} : { recover });
  try {
    const { reached, checkpoint } = await awaitCheckpoint(
      store.db,
      name,
      ({ levelAt }) => levelAt !== undefined && levelAt >= since,
      { patienceMs: PATIENCE_MS, lookMs: LOOK_MS },
    );
    return { projection: name, poisoned: checkpoint?.behind.length ?? 0, complete: reached };
  } finally {
    await own.stop();
  }
}
