import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { tenantIdSchema } from '../access/claims.ts';
import { noteAdminAction } from '../eventstore/admin-actions.ts';
import type { Store } from '../eventstore/command/store.ts';
import { operator } from '../process/operator.ts';
import { type StopSignal, stopOnSignal } from '../process/stop-signal.ts';
import { validBy } from './argument.ts';
import { withStore } from './command-store.ts';
import type { CliContext, Output } from './context.ts';
import { showProgress } from './progress.ts';
import { checkFile } from './transfer/event-file-check.ts';
import { importEvents } from './transfer/event-import.ts';
import {
  type EventImportReport,
  exitCodeOfEvents,
  printedEventReport,
} from './transfer/event-import-report.ts';

interface Flags {
  readonly tenant?: string;
  readonly dryRun?: true;
  readonly salvage?: true;
}

const EPILOG = `
Events keep everything: ids, sequences, times, who and why. One that the log has already counts as repeated, so a file may be
imported again, and must be after an import that was ended. Refused are, by line: what is no event of a type and version that
is known here, another event in an id's or a sequence's place, what would leave a hole in its stream, and what follows such
a one in its stream. A file with a checksum is read through before anything is recorded. It cannot be imported into another
tenant: ids of events, aggregates and licence plates are made of the tenant's, and would protect nothing there.

Exit code 0: every event is in the log, every row level with it. 1: not every line could be read or recorded. 2: all were
read, but some were refused.`;

/** Adds `waybill import-events`. */
export function addImportEventsCommand(program: Command, context: CliContext): void {
  program
    .command('import-events')
    .description('record the events of a file that export-events wrote; gateways may run meanwhile')
    .argument('<file>', 'lines of JSON, packed where its name ends in .gz; - for standard input')
    .option('--tenant <id>', 'refuse events of any other tenant', validBy(tenantIdSchema))
    .option('--dry-run', 'look at everything, record nothing')
    .option('--salvage', 'record what can be read of a file that is damaged or cut off')
    .addHelpText('after', EPILOG)
    .action(async (file: string, flags: Flags) => {
      context.exitCode = await run(file, flags, context);
    });
}

async function run(path: string, flags: Flags, context: CliContext): Promise<number> {
  const stop = stopOnSignal(context.signals);
  try {
    // What comes by standard input comes once: it is checked as it is recorded.
    if (path !== '-' && flags.salvage !== true) await checkFile(path, stop.signal);
    const report = await withStore(context, (store) =>
      imported(store, path, flags, { stop, stderr: context.stderr }),
    );
    context.console.log(printedEventReport(report));
    return exitCodeOfEvents(report);
  } finally {
    stop.release();
  }
}

async function imported(
  store: Store,
  path: string,
  flags: Flags,
  { stop, stderr }: { readonly stop: StopSignal; readonly stderr: Output },
): Promise<EventImportReport> {
  const { tenant: tenantId, dryRun = false, salvage = false } = flags;
  const note = async (what: string, details: object): Promise<void> => {
    if (!dryRun)
      await noteAdminAction(store.db, { who: operator(), what, details: { file: path, ...details } });
  };
  const progress = showProgress(stderr, await sizeOf(path));
  try {
    await note('import-events', { salvage, ...(tenantId === undefined ? {} : { tenantId }) });
    const report = await importEvents(store, {
      path,
      ...(tenantId === undefined ? {} : { tenantId }),
      dryRun,
      salvage,
      signal: stop.signal,
      onProgress: (bytes, { recorded, repeated }) =>
        progress.update(bytes, `${recorded} recorded, ${repeated} repeated`),
    });
    await note('import-events ended', resultOf(report));
    return report;
  } finally {
    progress.stop();
  }
}

function resultOf({ recorded, repeated, refused, tenantIds, stopped, damage }: EventImportReport): object {
  return {
    recorded,
    repeated,
    refused: Object.fromEntries([...refused].map(([reason, { count }]) => [reason, count])),
    tenantIds: [...tenantIds],
    ...(stopped === undefined ? {} : { stopped }),
    ...(damage === undefined ? {} : { damage }),
  };
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0; // Standard input, or no such file: reading it says so.
  }
}
