import { isUtf8 } from 'node:buffer';
import { BSON, MongoError } from 'mongodb';
import { openSideBySide } from '../../client/side-by-side.ts';
import {
  type Backfill,
  MAX_REFUSED_STREAMS,
  openBackfill,
  TooManyRefused,
} from '../../eventstore/archive/backfill.ts';
import type { BackfillEvent } from '../../eventstore/archive/backfill-plan.ts';
import { openFileCheck } from '../../eventstore/archive/event-file.ts';
import { type EventLines, openEventLines } from '../../eventstore/archive/event-line.ts';
import { EVENT_MAX_BYTES } from '../../eventstore/command/draft.ts';
import type { Store } from '../../eventstore/command/store.ts';
import { holesIn } from '../../eventstore/log/holes.ts';
import { streamOf } from '../../eventstore/log/stream-tips.ts';
import { catchUpAll } from '../../eventstore/projection/catch-up.ts';
import { recoverAllInline, recoverAsync } from '../../eventstore/recovery/recover.ts';
import { countRefused, type EventImportReport, newEventReport } from './event-import-report.ts';
import { Unpackable } from './file-bytes.ts';
import { type Line, readLines } from './file-lines.ts';

// In: a file and options of a command. Out: a report, and what was recorded. Three ways lead through this folder:
//   positions            position-import.ts reads a file (positions/position-file.ts says how) and sends batches to a gateway by
//                        position-sender.ts; position-import-report.ts
//   events in            event-import.ts, here: event-file-check.ts first compares the whole file with its checksum, then the
//                        lines (file-lines.ts) are read, checked and recorded; event-import-report.ts
//   events out           event-export.ts
// The format of events is eventstore/archive's. tally.ts, file-bytes.ts, file-lines.ts
// and file-error.ts are what the reports and the readers have in common.

/** Events of one transaction, at most. */
const BATCH_EVENTS = 1_000;
/** The same in bytes of their lines. */
const BATCH_BYTES = 4_194_304;
/** Batches on their way at once: some are looked up while another one is written. */
const IN_FLIGHT = 3;
/** A shorter line cannot be an event above EVENT_MAX_BYTES: BSON takes at most eight times as much, for lists of digits. */
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
  /** Called after each batch; `bytes` is how far into the file reading has come. */
  onProgress(bytes: number, report: EventImportReport): void;
}

/**
 * Records the events of a file, as they were recorded where they come from, and catches the read models up with them.
 * Reads no faster than the database takes them, so memory does not grow with the file. What fails on the way ends the
 * import and is in the report; running it again goes on.
 * @throws StartupError where the file cannot be read
 */
export async function importEvents(store: Store, options: EventImportOptions): Promise<EventImportReport> {
  const report = newEventReport(options.dryRun);
  try {
    await record(store, options, report);
    if (report.stopped !== undefined || options.dryRun) return report;
    await recoverAllInline(store);
    report.caughtUp = await catchUpAll(store, store.projections, recoverAsync(store));
    report.holes = await holesIn(store, [...report.tenantIds], HOLES_NAMED);
  } catch (error) {
    report.stopped = sentenceOf(error);
  }
  return report;
}

/** What ended the import, as a sentence. @throws the error itself, where it is no fault of the file or the database */
function sentenceOf(error: unknown): string {
  if (error instanceof Unpackable) return error.message;
  if (error instanceof MongoError) return `The database did not take the events: ${error.message}.`;
  if (error instanceof TooManyRefused)
    return `Events of more than ${MAX_REFUSED_STREAMS} streams are refused: this file does not belong to this log.`;
  throw error;
}

/** Reads the file line by line and hands what is in it to the batches. */
async function record(store: Store, options: EventImportOptions, report: EventImportReport): Promise<void> {
  const { path, tenantId, salvage, signal, onProgress } = options;
  const eventLines = openEventLines(store.registry.all);
  const lines = readLines(path);
  const batches = openBatches(
    openBackfill({ store, lines: eventLines, dryRun: options.dryRun }),
    report,
    () => onProgress(lines.bytesRead(), report),
  );
  const check = openFileCheck();

  const spoil = (damage: string): void => {
    if (salvage) report.damage ??= damage;
    else report.stopped ??= damage;
  };

  const take = async (line: Line): Promise<void> => {
    const { kind, ...more } = check.take(line.bytes ?? TOO_LONG);
    if ('message' in more) spoil(more.message);
    if (kind !== 'event') return;
    report.lines += 1;
    const read = eventOf(line, eventLines, tenantId);
    if ('reason' in read) return countRefused(report, line.number, read.reason, read.message);
    report.tenantIds.add(read.event.tenantId);
    await batches.add({ line: line.number, event: read.event }, line.bytes?.length ?? 0);
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
    if (report.stopped === undefined && batches.failure() === undefined) await batches.flush();
    await batches.settled();
  }
  if (batches.failure() !== undefined) throw batches.failure();
}

/** Gathers events and writes them, several batches at once where they have no stream in common. */
function openBatches(backfill: Backfill, report: EventImportReport, onWritten: () => void) {
  const writes = openSideBySide(IN_FLIGHT);
  let items: BackfillEvent[] = [];
  let bytes = 0;

  const write = async (batch: readonly BackfillEvent[]): Promise<void> => {
    const { recorded, repeated, refused } = await backfill.write(batch);
    report.recorded += recorded;
    report.repeated += repeated;
    for (const { line, reason, message } of refused) countRefused(report, line, reason, message);
    onWritten();
  };
  /** Begins to write what is gathered. */
  const flush = async (): Promise<void> => {
    const batch = items;
    [items, bytes] = [[], 0];
    await writes.start(new Set(batch.map(({ event }) => streamOf(event))), () => write(batch));
  };
  return {
    async add(item: BackfillEvent, itemBytes: number): Promise<void> {
      items.push(item);
      bytes += itemBytes;
      if (items.length >= BATCH_EVENTS || bytes >= BATCH_BYTES) await flush();
    },
    flush,
    settled: () => writes.settled(),
    failure: () => writes.failure(),
  };
}

/** Stands for a line that is too long to be kept. */
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
