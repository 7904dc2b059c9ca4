import { setTimeout as pause } from 'node:timers/promises';
import type { Store } from '../../eventstore/command/store.ts';
import { rowsOf } from '../../eventstore/projection/rows.ts';
import type { Row } from '../../eventstore/projection.ts';
import { DRILL_TENANT } from '../data/commands.ts';
import type { Board } from './board-subscriber.ts';

/** A reader who asks for a board again and again. */
export interface BoardReader {
  /** How often it was asked for. */
  readonly reads: number;
  stop(): Promise<void>;
}

/** A page of the board, as a dispatcher asks for it. */
const PAGE_ROWS = 50;
/** Between two looks, in ms. */
const READ_EVERY_MS = 1_000;

/** Reads a board again and again: it must never be empty, never shorter, and no row older than it was before. */
export function startBoardReader(
  store: Store,
  { kind, fleetId, report }: Board & { readonly fleetId: string },
): BoardReader {
  const rows = rowsOf<Row>(store, DRILL_TENANT, kind.projection);
  const seen = new Map<string, number>();
  const ending = new AbortController();
  let [reads, longest] = [0, 0];

  const look = async (): Promise<void> => {
    const number = await rows.count({ fleetId });
    if (number < longest) report.problem(`the board of ${fleetId} had ${longest} rows, then ${number}.`);
    longest = Math.max(longest, number);
    const page = await rows.find({ fleetId }, { sort: { updatedAt: -1, _id: -1 }, limit: PAGE_ROWS });
    if (page.length < Math.min(PAGE_ROWS, longest))
      report.problem(`a page of the board of ${fleetId} had ${page.length} of ${longest} rows.`);
    for (const { id, lastSequence } of page) {
      const before = seen.get(id) ?? 0;
      if (lastSequence < before)
        report.problem(`${id} was at ${before}, then at ${lastSequence}, on the board of ${fleetId}.`);
      seen.set(id, lastSequence);
    }
    reads += 1;
  };

  const reading = (async () => {
    while (!ending.signal.aborted) {
      await look().catch((error: unknown) => report.problem(`a query failed: ${String(error)}.`));
      await pause(READ_EVERY_MS * (0.5 + Math.random()), undefined, { signal: ending.signal }).catch(
        () => undefined,
      );
    }
  })();

  return {
    get reads() {
      return reads;
    },
    async stop() {
      ending.abort();
      await reading;
    },
  };
}
