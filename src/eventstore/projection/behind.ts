import type { StoredEvent } from '../event.ts';
import { NewerVersion } from '../newer.ts';
import { nameOf } from '../registry.ts';

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
  /** The event's type and version (`TenderSplit.v1`), where whoever met it did not know that: others may. */
  readonly newer?: string;
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
    ...(error instanceof NewerVersion ? { newer: nameOf(event) } : {}),
  };
}

/** Rows behind that a checkpoint lists by name. */
const LISTED = 1_000;

/** Rows behind as a checkpoint stores them: the first of them, and whether there are more. */
export function listedBehind(rows: ReadonlyMap<string, Behind>): {
  readonly behind: readonly Behind[];
  readonly moreBehind: boolean;
} {
  const behind: Behind[] = [];
  for (const row of rows.values()) {
    if (behind.length === LISTED) break;
    behind.push(row);
  }
  return { behind, moreBehind: rows.size > LISTED };
}
