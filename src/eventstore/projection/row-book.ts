import { LRUCache } from 'lru-cache';
import type { Filter } from 'mongodb';
import type { StoredEvent } from '../event.ts';
import { streamKey } from '../log/read.ts';
import { fold, type Projection, type Row, rowId } from '../projection.ts';
import type { Store } from '../store.ts';
import type { Behind } from './checkpoint.ts';

/** A row on its way from one state to the next. */
export interface RowChange {
  readonly id: string;
  /** lastSequence of the row as it is stored; 0: there is none. */
  readonly was: number;
  /** What it becomes; null: nothing (any more). */
  readonly row: Row | null;
  /** Where it was read: only there is it known to go forward. In a generation that took over since it may be further. */
  readonly collection: string;
}

/** Which stream, of a known aggregate type. */
export interface StreamOfRow {
  readonly tenantId: string;
  readonly aggregateId: string;
  /** How far it is known to reach; absent: the log tells. */
  readonly sequence?: number;
}

/** The rows of one read model as the one projector that writes them knows them. */
export interface RowBook {
  /**
   * Brings these streams' rows up to the log. What this very process has just recorded is folded already, in the
   * store's cache; the rest is read from the log, from each row on: older events change nothing, none is missed.
   */
  catchUp(streams: readonly StreamOfRow[]): Promise<RowChange[]>;
  /** These were written. */
  written(changes: readonly RowChange[]): void;
  /** Nothing is known for certain of these any more: they are read again when they are needed. */
  forget(changes: readonly RowChange[]): void;
  /** Rows that cannot be folded on, by `_id`. */
  readonly behind: Map<string, Behind>;
}

interface Draft {
  readonly was: number;
  row: Row | null;
}

/**
 * @param size how many rows are kept in memory; others are read when they are needed
 * @param onPoison told of every event that cannot be folded
 */
export function openRowBook(
  store: Store,
  projection: Projection,
  size: number,
  onPoison: (behind: Behind, error: unknown) => void,
): RowBook {
  const known = new LRUCache<string, Row>({ max: size });
  let collection = store.live.of(projection);
  const behind = new Map<string, Behind>();

  const draftsOf = async (ids: ReadonlySet<string>): Promise<Map<string, Draft>> => {
    // Rows that moved may be further than those that were left: what is known of these is worth nothing.
    if (collection !== store.live.of(projection)) known.clear();
    collection = store.live.of(projection);
    const rows = store.db.collection<Row>(collection, { readConcern: { level: 'majority' } });
    const drafts = new Map<string, Draft>();
    const unknown: string[] = [];
    for (const id of ids) {
      const row = known.get(id);
      if (row === undefined) unknown.push(id);
      drafts.set(id, { was: row?.lastSequence ?? 0, row: row ?? null });
    }
    if (unknown.length > 0) {
      const filter: Filter<Row> = { _id: { $in: unknown } };
      for (const row of await rows.find(filter).toArray())
        drafts.set(row._id, { was: row.lastSequence, row });
    }
    return drafts;
  };

  /** An event that `evolve` throws at is set aside with its stream: one bad fact must not hold up all others. */
  const evolve = (id: string, row: Row | null, event: StoredEvent): Row | null => {
    try {
      return fold(projection, row, store.registry.upcast(event));
    } catch (error) {
      const { tenantId, sequence } = event;
      const eventId = event._id.toString();
      const left = {
        row: id,
        tenantId,
        aggregateId: event.aggregateId.toString(),
        eventId,
        sequence,
        error: String(error),
      };
      behind.set(id, left);
      onPoison(left, error);
      return row;
    }
  };

  const fromLog = async (id: string, draft: Draft, { tenantId, aggregateId }: StreamOfRow): Promise<void> => {
    const stream = { tenantId, aggregateType: projection.aggregateType, aggregateId };
    await store.streamReads.read(stream, draft.row?.lastSequence ?? 0, (event) => {
      if (!behind.has(id)) draft.row = evolve(id, draft.row, event);
    });
  };

  /** The row as whoever recorded the stream's last event has folded it, if that was this process. */
  const fromCache = ({ tenantId, aggregateId }: StreamOfRow, sequence: number): Row | null => {
    const key = streamKey({ tenantId, aggregateType: projection.aggregateType, aggregateId });
    const cached = store.cache.get(key);
    return cached !== undefined && cached.sequence >= sequence
      ? (cached.rows[projection.name] ?? null)
      : null;
  };

  const changesOf = (drafts: ReadonlyMap<string, Draft>): RowChange[] =>
    [...drafts]
      .filter(([, { was, row }]) => (row?.lastSequence ?? 0) !== was)
      .map(([id, { was, row }]) => ({ id, was, row, collection }));

  return {
    behind,
    async catchUp(streams) {
      const drafts = await draftsOf(
        new Set(streams.map((stream) => rowId(stream.tenantId, stream.aggregateId))),
      );
      const reading: Promise<void>[] = [];
      for (const stream of streams) {
        const id = rowId(stream.tenantId, stream.aggregateId);
        const draft = drafts.get(id);
        if (draft === undefined || behind.has(id)) continue;
        const reached = draft.row?.lastSequence ?? 0;
        if (stream.sequence !== undefined && stream.sequence <= reached) continue;
        const folded = stream.sequence === undefined ? null : fromCache(stream, stream.sequence);
        if (folded === null) reading.push(fromLog(id, draft, stream));
        else draft.row = folded;
      }
      await Promise.all(reading);
      return changesOf(drafts);
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
