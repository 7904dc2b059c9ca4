import type { StoredEvent } from '../event.ts';
import type { Interest } from '../interest.ts';
import type { RowFilter } from '../projection/rows.ts';
import type { Projection, Row } from '../projection.ts';
import type { Excess } from './limits.ts';

/** Is handed an item, or told of the end. What it does with it must not throw. */
export interface ItemRequest<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/** Items as they come; written by hand, so that it can be ended while it waits. */
export interface Subscription<T> extends AsyncIterableIterator<T> {
  /** Of the item that was handed over last, or the one that the client came with; empty before. */
  readonly lastCursor: string;
  /**
   * As `next`, without a promise: the request is answered at once where an item is there, else when one comes. It may ask
   * again from within.
   */
  ask(request: ItemRequest<T>): void;
}

/**
 * Which rows of whose: the filter once for the database, without the tenant, and once for a row in memory. The two must
 * agree, and `matches` must depend on nothing else: subscribers with the same filter share what they know of its rows.
 */
export interface RowSelection<R extends Row> {
  readonly tenantId: string;
  readonly projection: Projection<R>;
  readonly filter: RowFilter;
  matches(row: R): boolean;
}

/** The same text for all who ask for the same rows. */
export function selectionKey({ projection, tenantId, filter }: RowSelection<Row>): string {
  return JSON.stringify([projection.name, tenantId, filter]);
}

/** What a subscriber of rows asks for. */
export interface Selection<R extends Row> extends RowSelection<R> {
  /** Covers at least what the filter lets through, and is cheap to look up; absent: everything may match. */
  readonly interest?: Interest<R> | undefined;
  /** The cursor of the last item that was received for the same filter: goes on from there. */
  readonly after?: string | undefined;
  /** The subscriber was closed because it reads too slowly; its connection may have to be, too. */
  onOverflow?(limit: Excess): void;
}

/** What a subscriber of the log asks for: which events of whose. */
export interface LogSelection {
  readonly tenantId: string;
  /** The cursor of the last item that was received: goes on from there. */
  readonly after?: string | undefined;
  matches(event: StoredEvent): boolean;
  readonly interest?: Interest<StoredEvent> | undefined;
  onOverflow?(limit: Excess): void;
}
