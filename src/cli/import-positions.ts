import { stat } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { graphqlClient } from '../client/graphql-client.ts';
import { StartupError } from '../mongo/startup-error.ts';
import { secretOf } from '../process/secret.ts';
import { stopOnSignal } from '../process/stop-signal.ts';
import { CORRECTION_REASON_NAMES, type CorrectionReason } from '../vehicle/reasons.ts';
import type { CliContext } from './context.ts';
import { wholeBetween } from './number-option.ts';
import { showProgress } from './progress.ts';
import { importPositions } from './transfer/position-import.ts';
import { exitCodeOfPositions, printedPositionReport } from './transfer/position-import-report.ts';
import { FIELDS, type Field, SPEED_UNITS, type SpeedUnit } from './transfer/positions/columns.ts';
import { FORMATS, type Format } from './transfer/positions/position-file.ts';
import { REPEATED_HOURS, type RepeatedHour, zoneOf } from './transfer/positions/zone.ts';

/** `trackLocations` takes no more fixes than this at once. */
const MAX_BATCH = 1_000;

type ColumnOption = `${Field}Column`;
type Flags = { readonly [C in ColumnOption]?: string } & {
  readonly url: string;
  readonly token?: string;
  readonly speedUnit?: SpeedUnit;
  readonly format?: Format;
  readonly plate?: string;
  readonly delimiter?: string;
  readonly zone?: string;
  readonly repeatedHour?: RepeatedHour;
  readonly amend?: CorrectionReason;
  readonly fleet?: string;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly patience: number;
};

const EPILOG = `
CSV, lines of JSON, GTFS-realtime feeds as JSON, GeoJSON points and GPX tracks are told by how they begin; packed ones are
unpacked. Columns are recognised by their usual names; --plate-column and its like choose others. Times are ISO 8601 with
a zone, or Unix time. A file may be sent again: what is recorded already counts as repeated. What was wrong in it, such as
a unit or a column that was not read, is put right by sending it with --amend: the fixes stay in the log, and corrections
are recorded beside them.

Exit code 0: every row is recorded. 1: not every row could be sent. 2: all were sent, but some were refused or are
no positions; the report names their lines.`;

/** Adds `waybill import-positions`. The token stands in `WAYBILL_TOKEN` if it is not an option. */
export function addImportPositionsCommand(program: Command, context: CliContext): void {
  const command = program
    .command('import-positions')
    .description('send the positions of a file to a gateway, registering vehicles that it does not know')
    .argument('<file>', 'CSV whose first row names the columns, JSON or GPX; - for standard input')
    .option('--url <url>', 'the GraphQL endpoint', 'http://localhost:4000/graphql')
    .option('--token <token>', 'who is sending (default: WAYBILL_TOKEN)');
  for (const field of FIELDS) command.option(`--${field}-column <name>`, `the column of the ${field}`);
  command
    .addOption(
      new Option(
        '--speed-unit <unit>',
        "the unit of the column of speeds; without it speeds aren't sent, unless the column is named like speed_mps",
      ).choices(Object.keys(SPEED_UNITS)),
    )
    .addOption(new Option('--format <format>', 'what the file is, where it does not say').choices(FORMATS))
    .option('--plate <plate>', 'the vehicle of all positions, where the file names none')
    .option(
      '--delimiter <character>',
      'what stands between columns (default: what the first row has most of)',
    )
    .option('--zone <zone>', 'the zone of times that state none: Z, +01:00, or a name such as Europe/Berlin')
    .addOption(
      new Option(
        '--repeated-hour <which>',
        'what is meant by a time that occurs twice as the clocks go back; without it such rows are not sent',
      ).choices(REPEATED_HOURS),
    )
    .addOption(
      new Option(
        '--amend <reason>',
        'correct fixes that are recorded and say something else, instead of refusing them',
      ).choices(CORRECTION_REASON_NAMES),
    )
    .option('--fleet <id>', 'the fleet of vehicles that are registered now')
    .option('--batch-size <fixes>', 'fixes per request', wholeBetween(1, MAX_BATCH), 500)
    .option('--concurrency <requests>', 'requests on their way at once', wholeBetween(1, 32), 4)
    .option(
      '--patience <seconds>',
      'how long to go on while the gateway is away',
      wholeBetween(0, 86_400),
      60,
    )
    .addHelpText('after', EPILOG)
    .action(async (file: string, flags: Flags) => {
      context.exitCode = await run(file, flags, context);
    });
}

async function run(file: string, flags: Flags, context: CliContext): Promise<number> {
  const token = flags.token ?? secretOf('WAYBILL_TOKEN', context.variables);
  if (token === undefined || token === '')
    throw new StartupError(
      'Say who is sending: --token, or WAYBILL_TOKEN. For one: npx waybill token --tenant demo --role dispatcher',
    );
  const zone = flags.zone === undefined ? undefined : zoneOf(flags.zone, flags.repeatedHour);
  const stop = stopOnSignal(context.signals);
  const progress = showProgress(context.stderr, await sizeOf(file));
  try {
    const patienceMs = flags.patience * 1000;
    const report = await importPositions(
      graphqlClient({ url: flags.url, token, patienceMs, signal: stop.signal }),
      file,
      {
        columns: Object.fromEntries(FIELDS.map((field) => [field, flags[`${field}Column`]])),
        speedUnit: flags.speedUnit,
        zone,
        ...(flags.fleet === undefined ? {} : { fleetId: flags.fleet }),
        amend: flags.amend,
        format: flags.format,
        plate: flags.plate,
        delimiter: flags.delimiter === '\\t' ? '\t' : flags.delimiter,
        batchSize: flags.batchSize,
        concurrency: flags.concurrency,
        patienceMs,
        signal: stop.signal,
        onProgress: (bytes, { recorded, repeated }) =>
          progress.update(bytes, `${recorded} recorded, ${repeated} repeated`),
      },
    );
    progress.stop();
    context.console.log(printedPositionReport(report));
    return exitCodeOfPositions(report);
  } finally {
    progress.stop();
    stop.release();
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0; // Reading it says what is wrong.
  }
}
