import { randomBytes } from 'node:crypto';
import { type Command, Option } from 'commander';
import { STREAM_KINDS, type StreamKind } from '../drill/data/stream-kinds.ts';
import { drillDrift } from '../drill/drift.ts';
import { type Scratch, withScratch } from '../drill/drill.ts';
import { drillDuplicates } from '../drill/duplicates.ts';
import { drillReplay } from '../drill/replay.ts';
import { type DrillReport, openDrillReport } from '../drill/report.ts';
import type { CliContext } from './context.ts';
import { addCrashDrills } from './drill-crashes.ts';
import { addCrowdDrills } from './drill-crowds.ts';
import { wholeBetween } from './number-option.ts';

interface ReplayFlags {
  readonly projection: string;
  readonly events: number;
  readonly streams: number;
  readonly readers: number;
  readonly writesPerSecond: number;
  readonly kills: number;
  readonly seed?: string;
}

type DuplicatesFlags = Pick<ReplayFlags, 'events' | 'streams' | 'seed'>;

interface DriftFlags {
  readonly rows: number;
  readonly seed?: string;
}

const MAX_EVENTS = 100_000_000;
const MAX_STREAMS = 10_000_000;

const EPILOG = `
A drill makes up data in a database of its own, on the MongoDB that the other commands use, and drops it at the end; a
gateway may run meanwhile, and is only slowed down. The last line is PASSED, or FAILED with the first thing that was not
right. Exit code 0: passed; 1: failed. Ctrl-C tidies up.`;

/** Adds `waybill drill …`. */
export function addDrillCommand(program: Command, context: CliContext): void {
  const drill = program
    .command('drill')
    .description('try on made-up data that Waybill keeps what it promises, and see how long it takes')
    .addHelpText('after', EPILOG);

  addCrashDrills(drill, context);

  const run = async (
    name: string,
    { seed = randomBytes(4).toString('hex') }: { readonly seed?: string },
    work: (scratch: Scratch, seed: string, report: DrillReport) => Promise<void>,
  ): Promise<void> => {
    const report = openDrillReport(context.console.log);
    context.console.log(`Drill ${name}, --seed ${seed}`);
    context.exitCode = await withScratch(context, report, (scratch) => work(scratch, seed, report));
  };

  drill
    .command('replay')
    .description('rebuild a read model under writers and readers, killed in the middle: nobody may notice')
    .addOption(projectionOption())
    .option('--events <number>', 'in the log when it begins', wholeBetween(1, MAX_EVENTS), 100_000)
    .option('--streams <number>', 'that they are spread over', wholeBetween(1, MAX_STREAMS), 1_000)
    .option('--readers <number>', 'half of them subscribe, half of them ask', wholeBetween(0, 10_000), 100)
    .option('--writes-per-second <number>', 'commands meanwhile', wholeBetween(0, 10_000), 200)
    .option('--kills <number>', 'how often the rebuild is killed', wholeBetween(0, 100), 2)
    .addOption(seedOption())
    .addHelpText('after', EPILOG)
    .action((flags: ReplayFlags) =>
      run('replay', flags, (scratch, seed, report) =>
        drillReplay(scratch, { ...flags, seed, kind: kindOf(flags.projection) }, report),
      ),
    );

  drill
    .command('duplicates')
    .description('send every command several times, to several processes: each must be recorded once')
    .option('--events <number>', 'commands, each for one event', wholeBetween(1, 1_000_000), 2_000)
    .option('--streams <number>', 'that they are spread over', wholeBetween(1, 1_000_000), 100)
    .addOption(seedOption())
    .addHelpText('after', EPILOG)
    .action((flags: DuplicatesFlags) =>
      run('duplicates', flags, (scratch, seed, report) =>
        drillDuplicates(scratch, { ...flags, seed }, report),
      ),
    );

  drill
    .command('drift')
    .description('damage one row in a hundred in every way: verify must name just those, and mend them')
    .option('--rows <number>', 'over all read models', wholeBetween(100, MAX_STREAMS), 10_000)
    .addOption(seedOption())
    .addHelpText('after', EPILOG)
    .action((flags: DriftFlags) =>
      run('drift', flags, (scratch, seed, report) => drillDrift(scratch, { ...flags, seed }, report)),
    );

  addCrowdDrills(drill, context);
}

function seedOption(): Option {
  return new Option('--seed <text>', 'what the data is made from (default: chosen by chance, and printed)');
}

function projectionOption(): Option {
  const [first, ...others] = STREAM_KINDS.map(({ projection }) => projection.name);
  return new Option('--projection <name>', 'the read model').choices([first ?? '', ...others]).default(first);
}

function kindOf(projection: string): StreamKind {
  const kind = STREAM_KINDS.find((known) => known.projection.name === projection);
  if (kind === undefined) throw new Error(`There is no drill of ${projection}.`);
  return kind;
}
