import { leaseHolders } from '../lease.ts';
import type { Projection } from '../projection.ts';
import { type Checkpoint, checkpointsOf } from './checkpoint.ts';
import { PROJECTOR_LIMITS } from './projector-limits.ts';
import type { ReadModels } from './read-models.ts';

/**
 * inline: written with the events. waiting: no projector holds the lease. degraded: following, but some rows stay
 * behind because of an event that cannot be folded; the log says which.
 */
export type ProjectionState = 'inline' | 'waiting' | 'catching_up' | 'following' | 'degraded';

/** How far a read model has followed the log. */
export interface ProjectionStatus {
  readonly name: string;
  readonly mode: 'inline' | 'async';
  /** Of the rows; the code's may be newer until they are rebuilt. */
  readonly version: number;
  /**
   * How old what it shows may be, in milliseconds; 0: it has caught up with the log. A projector that works saves its
   * checkpoint every few seconds at least, so an age below that counts as none.
   */
  readonly lagMs: number;
  /** The newest recordedAt it has taken, where it is known. */
  readonly upTo?: Date;
  readonly state: ProjectionState;
  /** The process that writes it. */
  readonly holder?: string;
  /** Rows that could not be folded on. */
  readonly rowsBehind: number;
}

/** A checkpoint that is younger than this is as good as the present. */
const FRESH_MS = 3 * PROJECTOR_LIMITS.idleSaveMs;

/** How far each read model has followed the log. The same in every process: it is read from the checkpoints. */
export async function projectionStatus(store: ReadModels): Promise<ProjectionStatus[]> {
  const [checkpoints, holders] = await Promise.all([
    checkpointsOf(store.db).find().toArray(),
    leaseHolders(store.db),
  ]);
  const byName = new Map(checkpoints.map((checkpoint) => [checkpoint._id, checkpoint]));
  return Promise.all(
    store.projections.map((projection) =>
      projection.mode === 'inline'
        ? inlineStatus(store, projection)
        : asyncStatus(store, projection, byName.get(projection.name), holders.get(projection.name)),
    ),
  );
}

function inlineStatus({ live }: ReadModels, projection: Projection): ProjectionStatus {
  const { name, mode } = projection;
  const { version } = live.pointer(projection);
  return { name, mode, version, lagMs: 0, state: 'inline', rowsBehind: 0 };
}

async function asyncStatus(
  store: ReadModels,
  projection: Projection,
  checkpoint: Checkpoint | undefined,
  holder: string | undefined,
): Promise<ProjectionStatus> {
  const { name, mode, aggregateType } = projection;
  const rowsBehind = checkpoint?.behind.length ?? 0;
  const working = rowsBehind > 0 ? 'degraded' : (checkpoint?.phase ?? 'catching_up');
  return {
    name,
    mode,
    version: store.live.pointer(projection).version,
    lagMs: await lagOf(store, aggregateType, checkpoint),
    ...(checkpoint?.lastRecordedAt === undefined ? {} : { upTo: checkpoint.lastRecordedAt }),
    state: holder === undefined ? 'waiting' : working,
    ...(holder === undefined ? {} : { holder }),
    rowsBehind,
  };
}

async function lagOf(
  store: ReadModels,
  aggregateType: string,
  checkpoint: Checkpoint | undefined,
): Promise<number> {
  const age = (moment: Date): number => Math.max(0, store.clock.now() - moment.getTime());
  if (checkpoint?.levelAt === undefined) {
    // It has never caught up yet: its age is that of the first event to fold. In natural order, which needs no index.
    const first = await store.events.findOne(
      { aggregateType },
      { sort: { $natural: 1 }, projection: { recordedAt: 1 } },
    );
    return first === null ? 0 : age(first.recordedAt);
  }
  const sinceCaughtUp = age(checkpoint.levelAt);
  return sinceCaughtUp > FRESH_MS ? sinceCaughtUp : checkpoint.lagMs;
}
