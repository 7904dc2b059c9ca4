import { LRUCache } from 'lru-cache';
import { type GraphqlClient, RequestError } from '../../client/graphql-client.ts';
import { openSideBySide } from '../../client/side-by-side.ts';
import { vehicleRoll } from '../../client/vehicle-roll.ts';
import { StartupError } from '../../mongo/startup-error.ts';
import type { CorrectionReason } from '../../vehicle/reasons.ts';
import { Unpackable } from './file-bytes.ts';
import { newPositionReport, noteUnread, type PositionImportReport } from './position-import-report.ts';
import { type BatchOutcome, sendCorrections, sendFixes } from './position-sender.ts';
import type { FileFix, FileRow } from './positions/fix.ts';
import { openPositionFile, type PositionFileOptions } from './positions/position-file.ts';
import { fromAnotherZone } from './positions/wrong-zone.ts';
import { tally } from './tally.ts';

export interface PositionImportOptions extends PositionFileOptions {
  readonly fleetId?: string;
  /** Fixes per request, 1 to 1,000. */
  readonly batchSize: number;
  /** Requests on their way at once. */
  readonly concurrency: number;
  /** How long something that fails for a passing reason is repeated. */
  readonly patienceMs: number;
  /** Why fixes are corrected that are recorded and say something else; without it these are refused. */
  readonly amend?: CorrectionReason | undefined;
  readonly signal?: AbortSignal;
  /** This machine's clock. */
  readonly now?: () => number;
  /** Called after each batch; `bytes` is how far into the file it reached. */
  onProgress?(bytes: number, report: PositionImportReport): void;
}

/** Batches may overtake each other. */
const NO_KEYS: ReadonlySet<string> = new Set();

interface Batch {
  readonly lines: number[];
  readonly fixes: FileFix[];
  /** Readings that were left out, by line. */
  readonly leftOut: { readonly line: number; readonly what: string }[];
  bytes: number;
}

const emptyBatch = (): Batch => ({ lines: [], fixes: [], leftOut: [], bytes: 0 });

/**
 * Sends the positions of a file through `trackLocations`, and registers vehicles that it meets. It reads no
 * faster than the gateway takes them, so memory does not grow with the file.
 * @throws StartupError where the file is not what the options say, or the gateway is not there to begin with.
 * Failures on the way end the import, and are in the report.
 */
export async function importPositions(
  client: GraphqlClient,
  path: string,
  options: PositionImportOptions,
): Promise<PositionImportReport> {
  const report = newPositionReport();
  const roll = vehicleRoll(client, options.fleetId);
  const met = new Map<string, Promise<void>>();
  const deliveries = openSideBySide(options.concurrency);
  const said = openSaid();
  let batch = emptyBatch();

  async function meet(plate: string): Promise<void> {
    const registration = await roll.ensure(plate);
    if (registration.kind === 'registered') report.registered += 1;
    if (registration.kind !== 'refused') return;
    const plates = report.unregistered.get(registration.code) ?? [];
    report.unregistered.set(registration.code, [...plates, plate]);
  }

  async function deliver({ lines, fixes, leftOut, bytes }: Batch): Promise<void> {
    try {
      for (const { licensePlate: plate } of fixes) if (!met.has(plate)) met.set(plate, meet(plate));
      report.vehicles = met.size;
      await Promise.all(new Set(fixes.map((fix) => met.get(fix.licensePlate))));
      const outcome = await sendFixes(client, fixes, options);
      report.recorded += outcome.recorded;
      report.repeated += outcome.repeated;
      for (const { line, what } of leftOut) tally(report.leftOut, what, line);
      for (const { index, field, code } of outcome.warnings)
        tally(report.leftOut, `${field} ${code}`, lines[index] ?? 0);
      await amendOrCount(outcome.refused, { lines, fixes });
      options.onProgress?.(bytes, report);
    } catch (error) {
      report.unsent += fixes.length;
      if (!(error instanceof RequestError)) throw error;
      report.stopped ??= error.message;
    }
  }

  /** Counts what was refused; where told to amend, corrects those first that are recorded and say something else. */
  async function amendOrCount(
    refused: BatchOutcome['refused'],
    { lines, fixes }: Pick<Batch, 'lines' | 'fixes'>,
  ): Promise<void> {
    const { amend } = options;
    const isOther = ({ code }: { readonly code: string }): boolean =>
      amend !== undefined && code === 'IDEMPOTENCY_KEY_REUSED';
    for (const each of refused) if (!isOther(each)) tally(report.refused, each.code, lines[each.index] ?? 0);
    const places = refused.filter(isOther).map(({ index }) => index);
    const others = places.map((place) => fixes[place]).filter((fix) => fix !== undefined);
    if (amend === undefined || others.length === 0) return;
    const corrected = await sendCorrections(client, others, amend, options);
    report.amended += corrected.recorded;
    report.repeated += corrected.repeated;
    for (const { index, code } of corrected.refused)
      tally(report.refused, code, lines[places[index] ?? 0] ?? 0);
  }

  function take(row: FileRow): void {
    const { line } = row;
    report.rows += 1;
    if ('fault' in row) {
      tally(report.malformed, row.fault, line);
      return;
    }
    if (options.amend !== undefined && said.contradicts(row.fix)) {
      tally(report.refused, 'SAID_OTHERWISE_BEFORE', line);
      return;
    }
    batch.lines.push(line);
    batch.fixes.push(row.fix);
    for (const what of row.leftOut) batch.leftOut.push({ line, what });
  }

  /** Sends what is gathered; resolves when the next batch may be sent, so that a failure meanwhile is seen before that. */
  async function dispatch(): Promise<void> {
    const full = batch;
    batch = emptyBatch();
    if (full.fixes.length === 0) return;
    const wrong = fromAnotherZone(full.fixes, (options.now ?? Date.now)());
    if (wrong !== undefined) {
      report.unsent += full.fixes.length;
      report.stopped ??= wrong;
      return;
    }
    await deliveries.start(NO_KEYS, () => deliver(full));
    await deliveries.hasPlace();
  }

  await reach(client);
  const file = openPositionFile(path, { ...options, onUnread: (names) => noteUnread(report, names) });
  try {
    for await (const row of file) {
      take(row);
      batch.bytes = file.bytesRead();
      if (batch.fixes.length >= options.batchSize) await dispatch();
      if (options.signal?.aborted) report.stopped ??= 'Stopped.';
      if (report.stopped !== undefined || deliveries.failure() !== undefined) break;
    }
  } catch (error) {
    if (!(error instanceof Unpackable)) throw error;
    report.damage = error.message;
  }
  if (report.stopped === undefined) await dispatch();
  else report.unsent += batch.fixes.length;
  await deliveries.settled();
  if (deliveries.failure() !== undefined) throw deliveries.failure();
  return report;
}

/** How many fixes of a file are remembered: rows about one fix mostly stand near each other. */
const REMEMBERED_FIXES = 100_000;

/** Tells a file that says two things of one fix: which of them holds is not for the order of rows to decide. */
function openSaid() {
  const said = new LRUCache<string, string>({ max: REMEMBERED_FIXES });
  return {
    contradicts(fix: FileFix): boolean {
      const name = `${fix.occurredAt}\0${fix.deviceId ?? ''}\0${fix.licensePlate}`;
      const what = JSON.stringify(fix);
      const before = said.get(name);
      if (before === undefined) said.set(name, what);
      return before !== undefined && before !== what;
    },
  };
}

/** Fails at once with a clear sentence where nobody answers, instead of repeating for a minute. */
async function reach(client: GraphqlClient): Promise<void> {
  try {
    await client.probe();
  } catch (error) {
    if (error instanceof RequestError) throw new StartupError(error.message);
    throw error;
  }
}
