/**
 * The archive: events leave the log as files of lines, and come back into a log as the same events.
 *
 * Out: readLog (this file) gives a part of the log as it was at one moment; event-line.ts makes a line of JSON of each
 * event; event-file.ts puts a header before and a trailer with a checksum behind.
 * In: event-file.ts checks the file's header and trailer; event-line.ts checks each line, first the envelope
 * (envelope.ts), then the payload by its schema (payload-check.ts); backfill.ts compares a batch with the log
 * (backfill-plan.ts) and records what is new, in one transaction.
 * json-value.ts holds what JSON alone would lose: dates, and a negative zero. Files themselves are read and written by
 * the command line.
 */
import { type Db, type Filter, MongoServerError } from 'mongodb';
import { STREAM_INDEX } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';

/** Events read from the server at a time. */
const BATCH_EVENTS = 1_000;
/** SnapshotTooOld and SnapshotUnavailable: the server no longer keeps the log as it was when the export began. */
const SNAPSHOT_GONE_CODES = new Set<unknown>([239, 246]);

/** Which part of the log; every given field must fit. */
export interface LogPart {
  readonly tenantId?: string;
  readonly aggregateType?: string;
  /** Recorded then or later. */
  readonly recordedFrom?: Date;
  /** Recorded before. */
  readonly recordedTo?: Date;
}

/** The export took longer than the server keeps a snapshot. */
export class SnapshotGone extends Error {}

/**
 * Reads a part of the log as it was at one moment: what was acknowledged before is in it, what is recorded from then on is
 * not, and of a command's events (one transaction) either all are or none. Each stream comes as a whole and in sequence
 * order. One batch is held while the next one is fetched.
 * @throws SnapshotGone
 */
export async function* readLog(db: Db, part: LogPart): AsyncGenerator<StoredEvent[]> {
  const session = db.client.startSession({ snapshot: true });
  const events = db.collection<StoredEvent>('events', { readConcern: { level: 'snapshot' } });
  const cursor = events
    .find(filterOf(part), { session, hint: STREAM_INDEX, batchSize: BATCH_EVENTS })
    .sort({ ...STREAM_INDEX })
    .allowDiskUse(false);
  try {
    for (let more = fetching(cursor); await more; ) {
      const batch = cursor.readBufferedDocuments();
      more = fetching(cursor);
      yield batch;
    }
  } catch (error) {
    if (error instanceof MongoServerError && SNAPSHOT_GONE_CODES.has(error.code)) throw new SnapshotGone();
    throw error;
  } finally {
    await cursor.close();
    await session.endSession();
  }
}

/** Asks for the next batch. Its failure is nobody's concern where the reader leaves before it comes. */
function fetching(cursor: { hasNext(): Promise<boolean> }): Promise<boolean> {
  const more = cursor.hasNext();
  more.catch(() => undefined);
  return more;
}

/** About how many events a part has, for whoever shows progress: when they were recorded is not looked at. */
export function countLog(db: Db, { tenantId, aggregateType }: LogPart): Promise<number> {
  const events = db.collection<StoredEvent>('events');
  if (tenantId === undefined) return events.estimatedDocumentCount();
  return events.countDocuments({ tenantId, ...(aggregateType === undefined ? {} : { aggregateType }) });
}

function filterOf({ tenantId, aggregateType, recordedFrom, recordedTo }: LogPart): Filter<StoredEvent> {
  const recordedAt = {
    ...(recordedFrom === undefined ? {} : { $gte: recordedFrom }),
    ...(recordedTo === undefined ? {} : { $lt: recordedTo }),
  };
  return {
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(aggregateType === undefined ? {} : { aggregateType }),
    ...(Object.keys(recordedAt).length === 0 ? {} : { recordedAt }),
  };
}
