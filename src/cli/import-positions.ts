import { stat } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { graphqlClient } from '../client/graphql-client.ts';
import { StartupError } from '../mongo/startup-error.ts';
import { stopOnSignal } from '../process/stop-signal.ts';
import type { CliContext } from './context.ts';
import { wholeBetween } from './number-option.ts';
import { showProgress } from './progress.ts';
import { FIELDS, type Field, SPEED_UNITS, type SpeedUnit } from './transfer/csv-columns.ts';
import { importPositions } from './transfer/position-import.ts';
import { exitCodeOfPositions, printedPositionReport } from './transfer/position-import-report.ts';

/** `trackLocations` takes no more fixes than this at once. */
const MAX_BATCH = 1_000;

type ColumnOption = `${Field}Column`;
type Flags = { readonly [C in ColumnOption]?: string } & {
  readonly url: string;
  readonly token?: string;
  readonly speedUnit?: SpeedUnit;
  readonly delimiter: string;
  readonly zone?: string;
  readonly fleet?: string;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly patience: number;
};

const EPILOG = `
Columns are recognised by their usual names; --plate-column and its like choose others. Times are ISO 8601 with a
zone, or Unix time. A file may be sent again: what is recorded already counts as repeated.

Exit code 0: every row is recorded. 1: not every row could be sent. 2: all were sent, but some were refused or are
no positions; the report names their lines.`;

/** Adds `waybill import-positions`. The token stands in `WAYBILL_TOKEN` if it is not an option. */
export function addImportPositionsCommand(program: Command, context: CliContext): void {
  const command = program
    .command('import-positions')
    .description('send the positions of a CSV file to a gateway, registering vehicles that it does not know')
    .argument('<file>', 'a CSV file whose first row names the columns')
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
    .option('--delimiter <character>', 'what stands between columns', ',')
    .option('--zone <offset>', 'the zone of times that state none, as Z or +01:00')
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
  const token = flags.token ?? context.variables.WAYBILL_TOKEN;
  if (token === undefined || token === '')
    throw new StartupError(
      'Say who is sending: --token, or WAYBILL_TOKEN. For one: npx waybill token --tenant demo --role dispatcher',
    );
  if (flags.zone !== undefined && !/^(Z|[+-]\d{2}:\d{2})$/.test(flags.zone))
    throw new StartupError('--zone is Z or an offset such as +01:00 or -05:00.');
  const stop = stopOnSignal(context.signals);
  const progress = showProgress(context.stderr, await sizeOf(file));
  try {
    const patienceMs = flags.patience * 1000;
    const report = await importPositions(
      graphqlClient({ url: flags.url, token, patienceMs, signal: stop.signal }),
      file,
      {
        columns: Object.fromEntries(FIELDS.map((field) => [field, flags[`${field}Column`]])),
        ...(flags.speedUnit === undefined ? {} : { speedUnit: flags.speedUnit }),
        ...(flags.zone === undefined ? {} : { zone: flags.zone }),
        ...(flags.fleet === undefined ? {} : { fleetId: flags.fleet }),
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
