import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Db } from 'mongodb';
import { streamKey } from '../../eventstore/aggregate.ts';
import { headerLine, trailerLine } from '../../eventstore/archive/event-file.ts';
import type { EventLines } from '../../eventstore/archive/event-line.ts';
import { type LogPart, readLog, SnapshotGone } from '../../eventstore/archive/export.ts';
import { StartupError } from '../../mongo/startup-error.ts';
import { number, timing } from './tally.ts';

export interface ExportOptions {
  readonly part: LogPart;
  /** The file; gzip where its name ends in .gz. `-` is standard output. */
  readonly out: string;
  readonly stdout: NodeJS.WritableStream;
  readonly signal: AbortSignal;
  /** Called after each batch. */
  onProgress(report: ExportReport): void;
}

/** What came of an export. */
export interface ExportReport {
  events: number;
  streams: number;
  /** Of all lines but the last, unpacked, each with its line feed. */
  sha256: string;
  readonly startedAt: number;
}

/**
 * Writes a part of the log as lines. Nothing is read faster than it is written, so memory does not grow with the log. A
 * file gets its name only once it is whole and on the disk.
 * @throws StartupError
 */
export async function exportEvents(db: Db, lines: EventLines, options: ExportOptions): Promise<ExportReport> {
  const { out, stdout, signal } = options;
  const report: ExportReport = { events: 0, streams: 0, sha256: '', startedAt: performance.now() };
  const source = Readable.from(textOf(db, lines, options, report), { objectMode: true, highWaterMark: 1 });
  try {
    if (out === '-') await pipeline(source, stdout, { signal, end: false });
    else await toFile(source, out, signal);
    return report;
  } catch (error) {
    throw failureOf(error, out);
  }
}

async function toFile(source: Readable, out: string, signal: AbortSignal): Promise<void> {
  const partial = `${out}.partial`;
  // It holds the business of tenants: whoever else is to read it is given that on purpose.
  const file = createWriteStream(partial, { flush: true, mode: 0o600 });
  try {
    if (out.endsWith('.gz')) await pipeline(source, createGzip(), file, { signal });
    else await pipeline(source, file, { signal });
    await rename(partial, out);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function* textOf(
  db: Db,
  lines: EventLines,
  { part, onProgress }: ExportOptions,
  report: ExportReport,
): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const header = `${headerLine(part, new Date())}\n`;
  hash.update(header);
  yield header;
  let stream = '';
  for await (const events of readLog(db, part)) {
    let text = '';
    for (const event of events) {
      const { tenantId, aggregateType, aggregateId } = event;
      const key = streamKey({ tenantId, aggregateType, aggregateId: aggregateId.toString() });
      if (key !== stream) report.streams += 1;
      stream = key;
      text += `${lines.write(event)}\n`;
    }
    report.events += events.length;
    hash.update(text);
    yield text;
    onProgress(report);
  }
  report.sha256 = hash.digest('hex');
  yield `${trailerLine(report.events, report.streams, report.sha256)}\n`;
}

function failureOf(error: unknown, out: string): unknown {
  if (error instanceof SnapshotGone)
    return new StartupError(
      'MongoDB no longer keeps the log as it was when the export began. Export it in parts (--tenant, --aggregate-type, ' +
        '--recorded-from, --recorded-to), or let it keep more: minSnapshotHistoryWindowInSeconds.',
    );
  if (!(error instanceof Error && 'code' in error)) return error;
  if (error.code === 'ABORT_ERR') return new StartupError('Stopped; nothing is left behind.');
  if (error.code === 'EPIPE') return new StartupError('Whoever read the lines has stopped reading.');
  return 'syscall' in error ? new StartupError(`${out} cannot be written: ${error.message}.`) : error;
}

/** The report as it is printed at the end. */
export function printedExport({ events, streams, sha256, startedAt }: ExportReport, out: string): string {
  return [
    `${number(events)} events of ${number(streams)} streams exported in ${timing(events, startedAt)}`,
    `  to      ${out === '-' ? 'standard output' : out}`,
    `  sha256  ${sha256} (of the lines, unpacked)`,
  ].join('\n');
}
