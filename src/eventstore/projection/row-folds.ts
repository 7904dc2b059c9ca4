import { LRUCache } from 'lru-cache';
import type { Db, Filter } from 'mongodb';
import { type StreamOfRow, streamKey } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import { firstUnknownEvents } from '../log/unknown-events.ts';
import { fold, type Projection, type Row, rowId } from '../projection.ts';
import { type Behind, behindAt } from './behind.ts';
import type { ReadModels } from './read-models.ts';
import type { RowChange } from './row-changes.ts';

/** The rows of one read model, folded on from the log by the one who writes them. The newest are kept in memory. */
export interface RowFolds {
  /**
   * Brings these streams' rows up to the log. What this very process has just recorded is folded already, in the
   * store's cache; the rest is read from the log, from each row on: older events change nothing, none is missed.
   * @returns the rows that change; whoever writes them calls `written` or `forget`
   */
  catchUp(streams: readonly StreamOfRow[]): Promise<RowChange[]>;
  /** These were written. */
  written(changes: readonly RowChange[]): void;
  /** Nothing is known for certain of these any more: they are read again when they are needed. */
  forget(changes: readonly RowChange[]): void;
  /** Rows that cannot be folded on, by `_id`. */
  readonly behind: Map<string, Behind>;
}

export interface RowFoldsOptions {
  readonly store: Pick<ReadModels, 'db' | 'events' | 'registry' | 'streamReads' | 'cache'>;
  readonly projection: Projection;
  /** Where the rows are: asked before each catch-up, since they may have moved. */
  collection(): string;
  /** True where rows may be of newer code: none is folded on before its events were looked through. Default: false. */
  mistrusted?(): boolean;
  /** How many rows are kept in memory; others are read when they are needed. */
  readonly cachedRows: number;
  /** Called for every event that cannot be folded. */
  onPoison(behind: Behind, error: unknown): void;
}

/** A row while it is folded. */
interface Draft {
  readonly was: number;
  row: Row | null;
}

export function openRowFolds(options: RowFoldsOptions): RowFolds {
  const { store, projection, cachedRows, onPoison } = options;
  const { name, aggregateType } = projection;
  const known = new LRUCache<string, Row>({ max: cachedRows });
  const behind = new Map<string, Behind>();
  let collection = options.collection();

  /** Rows that moved may be further than those that were left: what is known of these is worth nothing. */
  const follow = (): string => {
    const current = options.collection();
    if (collection !== current) known.clear();
    collection = current;
    return current;
  };

  const leaveBehind = (id: string, event: StoredEvent, error: unknown): void => {
    const left = behindAt(id, event, error);
    behind.set(id, left);
    onPoison(left, error);
  };

  /** Leaves rows behind that hold what only newer code understands, so that nothing is folded onto them. */
  const leaveUnknown = async (read: ReadonlyMap<string, Row>): Promise<void> => {
    for (const [id, event] of await firstUnknownEvents(store, aggregateType, [...read.values()]))
      try {
        store.registry.upcast(event);
      } catch (error) {
        leaveBehind(id, event, error);
      }
  };

  /** An event that cannot be folded is set aside with its stream: one bad fact must not hold up all others. */
  const foldFromLog = async (id: string, draft: Draft, stream: StreamOfRow): Promise<void> => {
    const { tenantId, aggregateId } = stream;
    const ref = { tenantId, aggregateType, aggregateId };
    await store.streamReads.read(ref, draft.row?.lastSequence ?? 0, (event) => {
      if (behind.has(id)) return;
      try {
        draft.row = fold(projection, draft.row, store.registry.upcast(event));
      } catch (error) {
        leaveBehind(id, event, error);
      }
    });
  };

  /** The row as whoever recorded the stream's last event has folded it, if that was this process. */
  const foldedHere = ({ tenantId, aggregateId }: StreamOfRow, sequence: number): Row | null => {
    const cached = store.cache.get(streamKey({ tenantId, aggregateType, aggregateId }));
    return cached !== undefined && cached.sequence >= sequence ? (cached.rows[name] ?? null) : null;
  };

  return {
    behind,
    async catchUp(streams) {
      const ids = new Set(streams.map(({ tenantId, aggregateId }) => rowId(tenantId, aggregateId)));
      const { drafts, read } = await draftsOf(ids, known, store.db, follow());
      if (options.mistrusted?.() === true) await leaveUnknown(read);
      const reading: Promise<void>[] = [];
      for (const stream of streams) {
        const id = rowId(stream.tenantId, stream.aggregateId);
        const draft = drafts.get(id);
        if (draft === undefined || behind.has(id)) continue;
        const reached = draft.row?.lastSequence ?? 0;
        if (stream.sequence !== undefined && stream.sequence <= reached) continue;
        const folded = stream.sequence === undefined ? null : foldedHere(stream, stream.sequence);
        if (folded === null) reading.push(foldFromLog(id, draft, stream));
        else draft.row = folded;
      }
      await Promise.all(reading);
      return changesOf(drafts, collection);
    },
    written(changes) {
      for (const { id, row } of changes) {
        if (row === null) known.delete(id);
        else known.set(id, row);
      }
    },
    forget(changes) {
      for (const { id } of changes) known.delete(id);
    },
  };
}

/** @returns each row as a draft, and those that had to be read */
async function draftsOf(
  ids: ReadonlySet<string>,
  known: Pick<LRUCache<string, Row>, 'get'>,
  db: Db,
  collection: string,
): Promise<{ readonly drafts: Map<string, Draft>; readonly read: ReadonlyMap<string, Row> }> {
  const read = new Map<string, Row>();
  const drafts = new Map<string, Draft>();
  const unknown: string[] = [];
  for (const id of ids) {
    const row = known.get(id);
    if (row === undefined) unknown.push(id);
    drafts.set(id, { was: row?.lastSequence ?? 0, row: row ?? null });
  }
  if (unknown.length === 0) return { drafts, read };
  const rows = db.collection<Row>(collection, { readConcern: { level: 'majority' } });
  const filter: Filter<Row> = { _id: { $in: unknown } };
  for (const row of await rows.find(filter).toArray()) {
    read.set(row._id, row);
    drafts.set(row._id, { was: row.lastSequence, row });
  }
  return { drafts, read };
}

function changesOf(drafts: ReadonlyMap<string, Draft>, collection: string): RowChange[] {
  return [...drafts]
    .filter(([, { was, row }]) => (row?.lastSequence ?? 0) !== was)
    .map(([id, { was, row }]) => ({ id, was, row, collection }));
}
