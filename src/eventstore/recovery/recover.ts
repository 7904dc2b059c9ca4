import { type Document, type Filter, MongoServerError } from 'mongodb';
import { retry } from '../backoff.ts';
import { clusterNow } from '../changes.ts';
import { isPassing } from '../faults.ts';
import { createRowIndexes } from '../indexes.ts';
import { divideStreams } from '../log/ranges.ts';
import { catchUpRows } from '../projection/catch-up.ts';
import type { Recover } from '../projection/projector-task.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection, Row } from '../projection.ts';
import { loadRange } from '../rebuild/load.ts';
import { reportSuspects } from '../verify/report.ts';
import { placeOfRow } from '../verify/suspect.ts';
import { openTally } from '../verify/tally.ts';
import { foreignOf, foreignRows } from './foreign-rows.ts';
import { doubt, doubtsOf, hasFew, idsOf, prove } from './proof.ts';

/** How often it is begun again while the database is away, or as somebody drops what is compared: for about a minute. */
const TRIES = 35;
/** CursorNotFound, QueryPlanKilled: the collection was dropped, or a batch took long. */
const CURSOR_LOST: ReadonlySet<unknown> = new Set([43, 175]);
/** Rows of which nobody can say what they should be, that are named. */
const NAMED = 100;

/**
 * Puts the rows of an inline read model right, whatever log they are of: those of another one are folded anew, or deleted
 * where this log has no such stream, and those that are missing or behind are caught up. Gateways may serve and write
 * meanwhile. Nothing is read but the last event of each row, and the streams that are wrong or behind.
 * @returns false where it is left to a newer version, which knows what is in the log: only that can prove the rows
 */
export async function recoverInline(
  store: ReadModels,
  projection: Projection,
  signal: AbortSignal,
): Promise<boolean> {
  let isDone = true;
  await recoverWith(store, projection, signal, async (rows, newer) => {
    const { poisoned, leftToNewer = false } = await catchUpRows(store, projection);
    if (signal.aborted) return;
    if (newer > 0 || leftToNewer) {
      isDone = false;
      return;
    }
    await prove(store, projection, rows);
    store.log.info({ projection: projection.name, poisoned }, 'the read model is what the log says');
  });
  return isDone;
}

/** The same for all that are in doubt, for a command that is about to fold events onto them. A gateway may do so, too. */
export async function recoverAllInline(store: ReadModels): Promise<void> {
  for (const { projection } of await doubtsOf(store)) {
    const isOurs = store.live.pointer(projection).version === projection.version;
    if (projection.mode === 'inline' && isOurs)
      await recoverInline(store, projection, new AbortController().signal);
  }
}

/** The same for an async read model, in two steps: its projector catches up between them. */
export function recoverAsync(store: ReadModels): Recover {
  return async (projection) => {
    if ((await doubtsOf(store, [projection])).length === 0) return undefined;
    let rows = '';
    return {
      begin: (signal) =>
        recoverWith(store, projection, signal, async (id) => {
          rows = id;
        }),
      end: () => prove(store, projection, rows),
    };
  };
}

/**
 * @param then called with the id of the collection, in which no row is of another log any more, but for those of so many
 *   streams that only a newer version understands
 */
async function recoverWith(
  store: ReadModels,
  projection: Projection,
  signal: AbortSignal,
  then: (rows: string, newer: number) => Promise<void>,
): Promise<void> {
  const { db, live, log } = store;
  const { name } = projection;
  await retry(
    async () => {
      await doubt(store, projection);
      const collection = live.collectionOf(projection);
      await createRowIndexes(db, projection, collection, log);
      const rows = (await idsOf(store, [projection])).get(collection) ?? '';
      const newer = await putForeignRight(store, projection, signal);
      if (await hasFew(store, collection)) await refill(store, projection, collection, signal);
      if (!signal.aborted) await then(rows, newer);
    },
    {
      when: (error, failures) => {
        const isLost = error instanceof MongoServerError && CURSOR_LOST.has(error.code);
        log.warn({ err: error, projection: name, failures }, 'comparing a read model with the log again');
        return !signal.aborted && (isLost || isPassing(error));
      },
      tries: TRIES,
    },
  );
}

/** Inserts the rows that are missing, range by range: 2.4 times as fast as catching up with each of them (measured). */
async function refill(
  store: ReadModels,
  projection: Projection,
  collection: string,
  signal: AbortSignal,
): Promise<void> {
  const notBefore = await clusterNow(store.db);
  const { ranges } = await divideStreams(store, projection.aggregateType);
  for (const range of ranges)
    if (!signal.aborted) await loadRange(store, projection, range, { collection, notBefore });
}

/** @returns how many streams only a newer version understands */
async function putForeignRight(
  store: ReadModels,
  projection: Projection,
  signal: AbortSignal,
): Promise<number> {
  const { log } = store;
  const tally = openTally();
  const left: unknown[] = [];
  for await (const ids of foreignRows(store, projection)) {
    if (signal.aborted) break;
    if (ids.length === 0) continue;
    const suspects = ids.map((id) => ({ id, place: placeOfRow(id), stream: undefined }));
    const options = { store, projection, tally, repair: true, onFinding: () => undefined };
    await reportSuspects(options, suspects, true);
    if (left.length < NAMED) left.push(...(await stillForeign(store, projection, ids)));
  }
  const { repaired, newer } = tally.counts();
  log.info({ projection: projection.name, repaired }, 'rows of another log were put right');
  if (left.length > 0)
    log.error(
      { projection: projection.name, rows: left.slice(0, NAMED) },
      'rows that cannot be put right, since the log itself is damaged there: `waybill verify` says how',
    );
  return newer;
}

async function stillForeign(
  store: ReadModels,
  projection: Projection,
  ids: readonly unknown[],
): Promise<unknown[]> {
  const filter = { _id: { $in: ids } } as Document as Filter<Row>;
  const rows = store.db.collection<Row>(store.live.collectionOf(projection), {
    readConcern: { level: 'majority' },
  });
  return foreignOf(store, projection, await rows.find(filter).toArray());
}
