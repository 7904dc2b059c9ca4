import { randomBytes } from 'node:crypto';
import { type Command, Option } from 'commander';
import { type CapacityDrill, drillCapacity } from '../drill/capacity.ts';
import { type Scratch, withScratch } from '../drill/drill.ts';
import { type DrillReport, openDrillReport } from '../drill/report.ts';
import { drillStalled, type StalledDrill } from '../drill/stalled.ts';
import type { CliContext } from './context.ts';
import { numberBetween, wholeBetween } from './number-option.ts';

const EPILOG = `
It starts a gateway of its own, on a database of its own that is dropped at the end; run it on a machine that does nothing else. The
last line is PASSED, or FAILED with the first thing that was not right. Exit code 0: passed; 1: failed. Ctrl-C tidies up.`;

/** Adds `waybill drill stalled | capacity`: what is promised when many look on. */
export function addCrowdDrills(drill: Command, context: CliContext): void {
  const run = async (
    title: string,
    work: (scratch: Scratch, report: DrillReport) => Promise<void>,
  ): Promise<void> => {
    const report = openDrillReport(context.console.log);
    context.console.log(`Drill ${title}`);
    context.exitCode = await withScratch(context, report, (scratch) => work(scratch, report));
  };

  drill
    .command('stalled')
    .description(
      'readers that read nothing, or a byte a second: each must cost little, be closed, and hurt nobody',
    )
    .option(
      '--sockets <number>',
      'of each kind: reading nothing, a byte a second, and properly',
      wholeBetween(1, 5_000),
      200,
    )
    .option(
      '--seconds <number>',
      'how long, after a quarter of it without the slow ones',
      wholeBetween(1, 86_400),
      120,
    )
    .option(
      '--changes-per-second <number>',
      'each of some 60 KB to who watches all of it',
      wholeBetween(1, 1_000),
      5,
    )
    .addOption(noFiguresOption())
    .addHelpText('after', EPILOG)
    .action((flags: StalledDrill) =>
      run('stalled', (scratch, report) => drillStalled(scratch, flags, report)),
    );

  drill
    .command('capacity')
    .description(
      'a fleet that reports, maps that show it: how much of it, how fast, and where it is too much',
    )
    .option('--vehicles <number>', 'that report', wholeBetween(1, 1_000_000), 10_000)
    .option('--every <seconds>', 'how often each reports', numberBetween(0.1, 86_400), 10)
    .option(
      '--maps <number>',
      'that each show another box, with one vehicle in fifty',
      wholeBetween(1, 50_000),
      500,
    )
    .option('--frames-per-second <number>', 'that each map asks for', numberBetween(0.01, 60), 1)
    .option('--seconds <number>', 'how long', wholeBetween(1, 86_400), 300)
    .option(
      '--steps <number>',
      'how often the rate is then raised by a quarter, at most',
      wholeBetween(0, 100),
      12,
    )
    .option('--step-seconds <number>', 'how long each of those takes', wholeBetween(1, 3_600), 20)
    .addOption(noFiguresOption())
    .option('--seed <text>', 'what the fleet is made from', randomBytes(4).toString('hex'))
    .addHelpText('after', EPILOG)
    .action((flags: CapacityDrill) =>
      run(`capacity, --seed ${flags.seed}`, (scratch, report) => drillCapacity(scratch, flags, report)),
    );
}

function noFiguresOption(): Option {
  return new Option('--no-figures', 'judge what is told, not memory and times: for small numbers');
}
