import type { StoredEvent } from '../event.ts';

/** A row that could not be folded on: it stays as it is until the projector starts again. */
export interface Behind {
  /** The row's `_id`. */
  readonly row: string;
  readonly tenantId: string;
  readonly aggregateId: string;
  /** The event that could not be folded, or whose row the database refuses. */
  readonly eventId: string;
  readonly sequence: number;
  readonly error: string;
}

/** A row that `event` keeps behind. */
export function behindAt(row: string, event: StoredEvent, error: unknown): Behind {
  const { tenantId, aggregateId, _id, sequence } = event;
  return {
    row,
    tenantId,
    aggregateId: aggregateId.toString(),
    eventId: _id.toString(),
    sequence,
    error: String(error),
  };
}

/** Rows behind that a checkpoint lists by name. */
const LISTED = 1_000;

/** Rows behind as a checkpoint stores them: the first of them, and whether there are more. */
export function listedBehind(rows: ReadonlyMap<string, Behind>): {
  readonly behind: readonly Behind[];
  readonly moreBehind: boolean;
} {
  const all = [...rows.values()];
  return { behind: all.slice(0, LISTED), moreBehind: all.length > LISTED };
}
