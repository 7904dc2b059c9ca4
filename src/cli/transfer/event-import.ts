import { isUtf8 } from 'node:buffer';
import { BSON, MongoError } from 'mongodb';
import { openSideBySide } from '../../client/side-by-side.ts';
import { MAX_REFUSED_STREAMS, openBackfill, TooManyRefused } from '../../eventstore/archive/backfill.ts';
import type { BackfillEvent } from '../../eventstore/archive/backfill-plan.ts';
import { openFileCheck } from '../../eventstore/archive/event-file.ts';
import { type EventLines, openEventLines } from '../../eventstore/archive/event-line.ts';
import { EVENT_MAX_BYTES } from '../../eventstore/command/draft.ts';
import type { Store } from '../../eventstore/command/store.ts';
import { holesIn } from '../../eventstore/log/holes.ts';
import { streamOf } from '../../eventstore/log/stream-tips.ts';
import { catchUpAll } from '../../eventstore/projection/catch-up.ts';
import { type EventImportReport, newEventReport, refuse } from './event-import-report.ts';
import { type Line, readLines, Unpackable } from './ndjson-lines.ts';

/** Events of one transaction, at most. */
const BATCH_EVENTS = 1_000;
/** The same in bytes of their lines. */
const BATCH_BYTES = 4_194_304;
/** Batches on their way at once: some are looked up while another is written. */
const IN_FLIGHT = 3;
/** A shorter line is no event beyond EVENT_MAX_BYTES: BSON takes at most eight times as much, for lists of digits. */
const SURELY_SMALL_BYTES = EVENT_MAX_BYTES / 8;
/** Streams with holes that the report names. */
const HOLES_NAMED = 20;

export interface EventImportOptions {
  /** `-` is standard input. */
  readonly path: string;
  /** Events of other tenants are refused. */
  readonly tenantId?: string;
  /** Looks at everything and records nothing. */
  readonly dryRun: boolean;
  /** Goes on where the file is damaged or cut off. */
  readonly salvage: boolean;
  readonly signal: AbortSignal;
  /** Told after each batch; `bytes` is how far into the file reading has come. */
  onProgress(bytes: number, report: EventImportReport): void;
}

/**
 * Records the events of a file, as they were recorded where they come from, and catches the read models up with them.
 * Reads no faster than the database takes them, so memory does not grow with the file. What fails on the way ends the
 * import and stands in the report; running it again goes on.
 * @throws StartupError where the file cannot be read
 */
export async function importEvents(store: Store, options: EventImportOptions): Promise<EventImportReport> {
  const report = newEventReport(options.dryRun);
  try {
    await record(store, options, report);
    if (report.stopped !== undefined || options.dryRun) return report;
    report.caughtUp = await catchUpAll(store, store.projections);
    report.holes = await holesIn(store, [...report.tenantIds], HOLES_NAMED);
  } catch (error) {
    report.stopped = sentenceOf(error);
  }
  return report;
}

/** @throws what is no fault of the file or the database */
function sentenceOf(error: unknown): string {
  if (error instanceof Unpackable) return error.message;
  if (error instanceof MongoError) return `The database did not take the events: ${error.message}.`;
  if (error instanceof TooManyRefused)
    return `Events of more than ${MAX_REFUSED_STREAMS} streams are refused: this file does not belong to this log.`;
  throw error;
}

async function record(store: Store, options: EventImportOptions, report: EventImportReport): Promise<void> {
  const { path, dryRun, salvage, signal, onProgress } = options;
  const eventLines = openEventLines(store.registry.all);
  const backfill = openBackfill({ store, lines: eventLines, dryRun });
  const check = openFileCheck();
  const lines = readLines(path);
  const batches = openSideBySide(IN_FLIGHT);
  let items: BackfillEvent[] = [];
  let bytes = 0;

  const deliver = async (batch: readonly BackfillEvent[]): Promise<void> => {
    const { recorded, repeated, refused } = await backfill.write(batch);
    report.recorded += recorded;
    report.repeated += repeated;
    for (const { line, reason, message } of refused) refuse(report, line, reason, message);
    onProgress(lines.bytesRead(), report);
  };

  const dispatch = async (): Promise<void> => {
    const batch = items;
    [items, bytes] = [[], 0];
    await batches.start(new Set(batch.map(({ event }) => streamOf(event))), () => deliver(batch));
  };

  const spoil = (damage: string): void => {
    if (salvage) report.damage ??= damage;
    else report.stopped ??= damage;
  };

  const take = async (line: Line): Promise<void> => {
    const { kind, ...more } = check.take(line.bytes ?? TOO_LONG);
    if ('message' in more) spoil(more.message);
    if (kind !== 'event') return;
    report.lines += 1;
    const read = eventOf(line, eventLines, options.tenantId);
    if ('reason' in read) return refuse(report, line.number, read.reason, read.message);
    report.tenantIds.add(read.event.tenantId);
    items.push({ line: line.number, event: read.event });
    bytes += line.bytes?.length ?? 0;
    if (items.length >= BATCH_EVENTS || bytes >= BATCH_BYTES) await dispatch();
  };

  try {
    for await (const some of lines) {
      for (const line of some) await take(line);
      if (signal.aborted) report.stopped ??= 'Stopped.';
      if (report.stopped !== undefined || batches.failure() !== undefined) break;
    }
    const damage = report.stopped === undefined ? check.end() : undefined;
    if (damage !== undefined) spoil(damage);
  } catch (error) {
    if (!(error instanceof Unpackable)) throw error;
    spoil(error.message);
  } finally {
    if (report.stopped === undefined && batches.failure() === undefined) await dispatch();
    await batches.settled();
  }
  if (batches.failure() !== undefined) throw batches.failure();
}

/** Stands for a line that nobody can hold. */
const TOO_LONG = Buffer.from('too long');

type Found =
  | { readonly event: BackfillEvent['event'] }
  | { readonly reason: string; readonly message: string };

function eventOf({ bytes }: Line, lines: EventLines, tenantId: string | undefined): Found {
  if (bytes === undefined) return { reason: 'LINE_TOO_LONG', message: 'It is longer than any event.' };
  if (!isUtf8(bytes)) return { reason: 'MALFORMED_LINE', message: 'It is not UTF-8.' };
  const read = lines.read(bytes.toString());
  if ('fault' in read) return { reason: read.fault, message: read.message };
  const { event } = read;
  if (tenantId !== undefined && event.tenantId !== tenantId)
    return { reason: 'OTHER_TENANT', message: `It is of the tenant ${event.tenantId}, not of ${tenantId}.` };
  if (bytes.length > SURELY_SMALL_BYTES && BSON.calculateObjectSize(event) > EVENT_MAX_BYTES)
    return { reason: 'EVENT_TOO_LARGE', message: `It is larger than ${EVENT_MAX_BYTES} bytes.` };
  return { event };
}
