import { type GraphqlClient, RequestError } from '../../client/graphql-client.ts';
import { openSideBySide } from '../../client/side-by-side.ts';
import { vehicleRoll } from '../../client/vehicle-roll.ts';
import { StartupError } from '../../mongo/startup-error.ts';
import { type CsvFix, type CsvOptions, readFixes } from './csv-fixes.ts';
import { newPositionReport, type PositionImportReport } from './position-import-report.ts';
import { sendFixes } from './position-sender.ts';
import { tally } from './tally.ts';

export interface PositionImportOptions extends CsvOptions {
  readonly fleetId?: string;
  /** Fixes per request, 1 to 1,000. */
  readonly batchSize: number;
  /** Requests on their way at once. */
  readonly concurrency: number;
  /** How long something that fails for a passing reason is repeated. */
  readonly patienceMs: number;
  readonly signal?: AbortSignal;
  /** Called after each batch; `bytes` is how far into the file it reached. */
  onProgress?(bytes: number, report: PositionImportReport): void;
}

/** Batches may overtake each other. */
const NO_KEYS: ReadonlySet<string> = new Set();

interface Batch {
  readonly lines: number[];
  readonly fixes: CsvFix[];
  bytes: number;
}

/**
 * Sends the positions of a CSV file through `trackLocations`, and registers vehicles that it meets. It reads no
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
  let batch: Batch = { lines: [], fixes: [], bytes: 0 };

  async function meet(plate: string): Promise<void> {
    const registration = await roll.ensure(plate);
    if (registration.kind === 'registered') report.registered += 1;
    if (registration.kind !== 'refused') return;
    const plates = report.unregistered.get(registration.code) ?? [];
    report.unregistered.set(registration.code, [...plates, plate]);
  }

  async function deliver({ lines, fixes, bytes }: Batch): Promise<void> {
    try {
      for (const { licensePlate: plate } of fixes) if (!met.has(plate)) met.set(plate, meet(plate));
      report.vehicles = met.size;
      await Promise.all(new Set(fixes.map((fix) => met.get(fix.licensePlate))));
      const outcome = await sendFixes(client, fixes, options);
      report.recorded += outcome.recorded;
      report.repeated += outcome.repeated;
      for (const { index, code } of outcome.refused) tally(report.refused, code, lines[index] ?? 0);
      options.onProgress?.(bytes, report);
    } catch (error) {
      report.unsent += fixes.length;
      if (!(error instanceof RequestError)) throw error;
      report.stopped ??= error.message;
    }
  }

  /** Sends what is gathered; resolves when the next batch may be sent, so that a failure meanwhile is seen before that. */
  async function dispatch(): Promise<void> {
    const full = batch;
    batch = { lines: [], fixes: [], bytes: full.bytes };
    if (full.fixes.length === 0) return;
    await deliveries.start(NO_KEYS, () => deliver(full));
    await deliveries.hasPlace();
  }

  await reach(client);
  for await (const row of readFixes(path, options)) {
    report.rows += 1;
    batch.bytes = row.bytes;
    if ('fault' in row) tally(report.malformed, row.fault, row.line);
    else {
      batch.lines.push(row.line);
      batch.fixes.push(row.fix);
    }
    if (batch.fixes.length >= options.batchSize) await dispatch();
    if (options.signal?.aborted) report.stopped ??= 'Stopped.';
    if (report.stopped !== undefined || deliveries.failure() !== undefined) break;
  }
  if (report.stopped === undefined) await dispatch();
  else report.unsent += batch.fixes.length;
  await deliveries.settled();
  if (deliveries.failure() !== undefined) throw deliveries.failure();
  return report;
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
