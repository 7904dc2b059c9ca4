import { randomBytes } from 'node:crypto';
import { type Command, Option } from 'commander';
import type { Logger } from 'pino';
import { TRANSPORTS } from '../drill/client/connection.ts';
import { type Scratch, withScratch } from '../drill/drill.ts';
import { drillFailover, ELECTION_TIMEOUT_MS, type FailoverDrill } from '../drill/failover.ts';
import { OPLOG_MB } from '../drill/process/oplog.ts';
import { openReplicaSet, type ReplicaSet, type ReplicaSetOptions } from '../drill/process/replica-set.ts';
import { drillReconnect, type ReconnectDrill } from '../drill/reconnect.ts';
import type { DrillReport } from '../drill/report.ts';
import { openDrillReport } from '../drill/report.ts';
import { drillRestore, type RestoreDrill } from '../drill/restore.ts';
import { drillRollover, type RolloverDrill } from '../drill/rollover.ts';
import type { MongoSettings } from '../mongo/mongo.ts';
import type { CliContext } from './context.ts';
import { wholeBetween } from './number-option.ts';

type Seeded<Drill extends { readonly seed: string }> = Omit<Drill, 'seed'> & { readonly seed?: string };

const EPILOG = `
The last line is PASSED, or FAILED with the first thing that was not right. Exit code 0: passed; 1: failed. Ctrl-C tidies up.`;
const OWN_SERVERS = `
It starts servers of its own, by the mongod that Waybill runs, in a temporary folder that goes with them.`;

/** Adds `waybill drill reconnect | failover | rollover | restore`: what is promised when processes die. */
export function addCrashDrills(drill: Command, context: CliContext): void {
  drill
    .command('reconnect')
    .description(
      'gateways that are killed at random: each subscriber comes back, and is told every event once and in order',
    )
    .option('--subscribers <number>', 'half of the log, half of tenders', wholeBetween(2, 5_000), 200)
    .option('--kills <number>', 'how often', wholeBetween(1, 1_000), 10)
    .option('--per-second <number>', 'events, written by others', wholeBetween(1, 1_000), 100)
    .option('--gateways <number>', 'with more than one, they come back to another', wholeBetween(1, 8), 1)
    .addOption(
      new Option('--transport <name>', 'socket or Server-Sent Events').choices(TRANSPORTS).default('ws'),
    )
    .addOption(seedOption())
    .addHelpText(
      'after',
      `${EPILOG}\nIt works in a database of its own, on the MongoDB that the other commands use.`,
    )
    .action(({ seed = newSeed(), ...flags }: Seeded<ReconnectDrill>) => {
      const report = openDrillReport(context.console.log);
      context.console.log(`Drill reconnect, --seed ${seed}`);
      return withScratch(context, report, (scratch) =>
        drillReconnect(scratch, { ...flags, seed }, report),
      ).then((code) => {
        context.exitCode = code;
      });
    });

  drill
    .command('failover')
    .description(
      'three mongods whose primary is killed again and again: nothing acknowledged is lost, nobody misses anything',
    )
    .option('--kills <number>', 'how often', wholeBetween(1, 1_000), 10)
    .option('--subscribers <number>', 'half of the log, half of tenders', wholeBetween(1, 5_000), 50)
    .option('--per-second <number>', 'commands, by 16 clients', wholeBetween(1, 1_000), 50)
    .addOption(new Option('--no-figures', 'judge what is told, not times: on a machine that does much else'))
    .addHelpText('after', `${EPILOG}${OWN_SERVERS}`)
    .action((flags: FailoverDrill) =>
      onServers(
        context,
        'failover',
        { members: 3, electionTimeoutMs: ELECTION_TIMEOUT_MS, oplogMb: 256 },
        (scratch, servers, report) => drillFailover(scratch, servers, flags, report),
      ),
    );

  drill
    .command('rollover')
    .description(
      'a database that has forgotten its changes while others were away: a gap and a snapshot, or the log, help',
    )
    .option('--streams <number>', 'of each kind', wholeBetween(1, 10_000), 200)
    .addOption(seedOption())
    .addHelpText('after', `${EPILOG}${OWN_SERVERS}`)
    .action(({ seed = newSeed(), ...flags }: Seeded<RolloverDrill>) =>
      onServers(
        context,
        `rollover, --seed ${seed}`,
        { members: 1, electionTimeoutMs: ELECTION_TIMEOUT_MS, oplogMb: OPLOG_MB, checkpointS: 1 },
        (scratch, _servers, report) => drillRollover(scratch, { ...flags, seed }, report),
      ),
    );

  drill
    .command('restore')
    .description(
      'a copy whose collections are of different moments, on another server: it shows what its log says, and says when',
    )
    .option('--streams <number>', 'of each kind', wholeBetween(1, 100_000), 200)
    .addOption(seedOption())
    .addHelpText('after', `${EPILOG}${OWN_SERVERS}`)
    .action(({ seed = newSeed(), ...flags }: Seeded<RestoreDrill>) =>
      onServers(context, `restore, --seed ${seed}`, RESTORE_SERVERS, (scratch, servers, report) =>
        drillRestore(scratch, () => servers.another(), { ...flags, seed }, report),
      ),
    );
}

const RESTORE_SERVERS: ReplicaSetOptions = {
  members: 1,
  electionTimeoutMs: ELECTION_TIMEOUT_MS,
  oplogMb: 256,
};

function seedOption(): Option {
  return new Option('--seed <text>', 'what the data is made from (default: chosen by chance, and printed)');
}

function newSeed(): string {
  return randomBytes(4).toString('hex');
}

/** Runs a drill on servers of its own. */
async function onServers(
  context: CliContext,
  name: string,
  options: ReplicaSetOptions,
  work: (scratch: Scratch, servers: ReplicaSet, report: DrillReport) => Promise<void>,
): Promise<void> {
  const report = openDrillReport(context.console.log);
  context.console.log(`Drill ${name}`);
  let servers: ReplicaSet | undefined;
  const open = async (settings: MongoSettings, log: Logger): Promise<ReplicaSet> => {
    servers = await openReplicaSet(settings, options, log);
    return servers;
  };
  context.exitCode = await withScratch(
    context,
    report,
    async (scratch) => {
      if (servers !== undefined) await work(scratch, servers, report);
    },
    open,
  );
}
