import type { Command } from 'commander';
import { tenantIdSchema } from '../access/claims.ts';
import { noteAdminAction } from '../eventstore/admin-actions.ts';
import { openEventLines } from '../eventstore/archive/event-line.ts';
import { countLog, type LogPart } from '../eventstore/archive/export.ts';
import { openRegistry } from '../eventstore/registry.ts';
import { eventDefinitions } from '../model.ts';
import { operator } from '../process/operator.ts';
import { stopOnSignal } from '../process/stop-signal.ts';
import { momentArgument, validBy } from './argument.ts';
import { withDatabase } from './command-store.ts';
import type { CliContext } from './context.ts';
import { showProgress } from './progress.ts';
import { exportEvents, printedExport } from './transfer/event-export.ts';

interface Flags {
  readonly tenant?: string;
  readonly aggregateType?: string;
  readonly recordedFrom?: Date;
  readonly recordedTo?: Date;
  readonly out: string;
}

const EPILOG = `
One event a line, each stream as a whole and in sequence order. It is the log as it was at the moment of the start: all that
was acknowledged before, and nothing of a command without the rest of it. The first line says what follows, the last one
how much it was and its checksum. import-events reads it back.`;

/** Adds `waybill export-events`. */
export function addExportEventsCommand(program: Command, context: CliContext): void {
  program
    .command('export-events')
    .description('write the log, or a part of it, as lines of JSON; gateways may run meanwhile')
    .option('--out <file>', 'the file, packed where its name ends in .gz; - for standard output', '-')
    .option('--tenant <id>', 'of this tenant alone', validBy(tenantIdSchema))
    .option('--aggregate-type <type>', 'of these streams alone: Tender, Vehicle …')
    .option('--recorded-from <moment>', 'recorded then or later, in UTC', momentArgument)
    .option('--recorded-to <moment>', 'recorded before, in UTC', momentArgument)
    .addHelpText('after', EPILOG)
    .action((flags: Flags) => run(flags, context));
}

async function run(flags: Flags, context: CliContext): Promise<void> {
  const { out } = flags;
  const { stdout, stderr, console } = context;
  const stop = stopOnSignal(context.signals);
  try {
    await withDatabase(context, async ({ db }) => {
      const part = partOf(flags);
      const { tenantId } = part;
      await noteAdminAction(db, {
        who: operator(),
        what: 'export-events',
        ...(tenantId === undefined ? {} : { tenantId }),
        details: { ...part, out },
      });
      const total = await countLog(db, part);
      const progress = showProgress(stderr, total);
      try {
        const report = await exportEvents(db, openEventLines(openRegistry(eventDefinitions).all), {
          part,
          out,
          stdout,
          signal: stop.signal,
          onProgress: ({ events }) => progress.update(events, `${events} of ${total} events`),
        });
        progress.stop();
        // Standard output is the lines' own where they go there.
        const lines = printedExport(report, out);
        if (out === '-') console.error(lines);
        else console.log(lines);
      } finally {
        progress.stop();
      }
    });
  } finally {
    stop.release();
  }
}

function partOf({ tenant, aggregateType, recordedFrom, recordedTo }: Flags): LogPart {
  return {
    ...(tenant === undefined ? {} : { tenantId: tenant }),
    ...(aggregateType === undefined ? {} : { aggregateType }),
    ...(recordedFrom === undefined ? {} : { recordedFrom }),
    ...(recordedTo === undefined ? {} : { recordedTo }),
  };
}
