import { type Command, Option } from 'commander';
import type { Logger } from 'pino';
import type { MongoSettings } from '../mongo/mongo.ts';
import type { Variables } from '../setting.ts';
import { drillFailover, ELECTION_TIMEOUT_MS, type FailoverDrill } from './drill-failover.ts';
import type { DrillReport } from './drill-report.ts';
import { openDrillReport } from './drill-report.ts';
import { type Scratch, withScratch } from './drill-scratch.ts';
import { type DrillServers, openDrillServers, type ServersOptions } from './drill-servers.ts';
import { wholeBetween } from './number-option.ts';

const EPILOG = `
It starts servers of its own, by the mongod that Waybill runs, in a temporary folder that goes with them. The last line is PASSED,
or FAILED with the first thing that was not right. Exit code 0: passed; 1: failed. Ctrl-C tidies up.`;

/** Adds `waybill drill failover`: what is promised when processes die. */
export function addCrashDrills(drill: Command, variables: Variables): void {
  drill
    .command('failover')
    .description(
      'three mongods whose primary is killed again and again: nothing acknowledged is lost, nobody misses anything',
    )
    .option('--kills <number>', 'how often', wholeBetween(1, 1_000), 10)
    .option('--subscribers <number>', 'half of the log, half of tenders', wholeBetween(1, 5_000), 50)
    .option('--per-second <number>', 'commands, by 16 clients', wholeBetween(1, 1_000), 50)
    .addOption(new Option('--no-figures', 'judge what is told, not times: on a machine that does much else'))
    .addHelpText('after', EPILOG)
    .action((flags: FailoverDrill) =>
      onServers(
        variables,
        'failover',
        { members: 3, electionTimeoutMs: ELECTION_TIMEOUT_MS, oplogMb: 256 },
        (scratch, servers, report) => drillFailover(scratch, servers, flags, report),
      ),
    );
}

/** Runs a drill on servers of its own. */
async function onServers(
  variables: Variables,
  name: string,
  options: ServersOptions,
  work: (scratch: Scratch, servers: DrillServers, report: DrillReport) => Promise<void>,
): Promise<void> {
  const report = openDrillReport();
  console.log(`Drill ${name}`);
  let servers: DrillServers | undefined;
  const open = async (settings: MongoSettings, log: Logger): Promise<DrillServers> => {
    servers = await openDrillServers(settings, options, log);
    return servers;
  };
  process.exitCode = await withScratch(
    variables,
    report,
    async (scratch) => {
      if (servers !== undefined) await work(scratch, servers, report);
    },
    open,
  );
}
