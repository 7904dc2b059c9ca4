import type { FrameChange, OrderedChange } from '../../../src/eventstore/feed/item.ts';
import type { Row } from '../../../src/eventstore/projection.ts';

/** A client that reads a subscription as fast as it comes and keeps all it got. */
export interface Reader<T> {
  readonly items: T[];
  /** Resolves once the condition holds, looked at with each item. */
  until(condition: () => boolean): Promise<void>;
  /** Resolves when the subscription ends, with the error it ended by, if any. */
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
}

export function read<T>(subscription: AsyncIterableIterator<T>): Reader<T> {
  const items: T[] = [];
  const waiting = new Set<() => void>();
  const ended = (async () => {
    try {
      for await (const item of subscription) {
        items.push(item);
        for (const look of waiting) look();
      }
      return undefined;
    } catch (error) {
      return error;
    }
  })();
  return {
    items,
    ended,
    until: (condition) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (!condition()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        ended.then((error) => reject(error ?? new Error('The subscription ended.')));
      }),
    stop: async () => {
      await subscription.return?.();
      await ended;
    },
  };
}

/** An item of either lane of rows. */
export type AnyChange<R extends Row> = OrderedChange<R> | FrameChange<R>;

/**
 * What a client has on its screen after these items.
 * @throws when it is told of a row older than the one it has, or of the leaving of one that it has not
 */
export function view<R extends Row>(items: readonly AnyChange<R>[]): Map<string, R> {
  const rows = new Map<string, R>();
  const put = (row: R) => {
    const known = rows.get(row.id)?.lastSequence ?? 0;
    if (row.lastSequence <= known) throw new Error(`${row.id}: ${row.lastSequence} came after ${known}`);
    rows.set(row.id, row);
  };
  const leave = (id: string) => {
    if (!rows.delete(id)) throw new Error(`${id} left, but was never there`);
  };
  for (const item of items) {
    if (item.kind === 'gap') rows.clear();
    else if (item.kind === 'snapshot' || item.kind === 'moved') item.rows.forEach(put);
    else if (item.kind === 'updated') put(item.row);
    else if (item.kind === 'left') ('ids' in item ? item.ids : [item.id]).forEach(leave);
  }
  return rows;
}

/** The first snapshot is over. */
export const began = (items: readonly { readonly kind: string; readonly complete?: boolean }[]): boolean =>
  items.some((item) => item.kind === 'snapshot' && item.complete === true);
