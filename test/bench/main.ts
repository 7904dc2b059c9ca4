import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Mongo, openMongo } from '../../src/mongo/mongo.ts';
import { openLog } from '../../src/process/log.ts';
import { benchAppend } from './append.ts';
import { benchAsOf } from './as-of.ts';
import { benchDelivery } from './delivery.ts';
import { benchFanOut } from './fan-out.ts';
import { benchIdleMemory } from './idle-memory.ts';
import { benchInMemory } from './in-memory.ts';
import { benchLatency } from './latency.ts';
import { benchLoad } from './load.ts';
import type { Findings, Plan } from './measure.ts';
import { benchRebuild } from './rebuild.ts';
import { heading, report } from './report.ts';
import { openStage, type Stage } from './stage.ts';
import { benchTender } from './tender.ts';
import { benchTrack, benchTrackBatch } from './track.ts';
import { benchVerify } from './verify.ts';

interface Options {
  readonly repetitions: number;
  readonly scale: number;
  readonly profile?: string;
}

type Suite = (mongo: Mongo, plan: Plan, profileDir?: string) => Promise<Findings>;

const SUITES: Readonly<Record<string, Suite>> = {
  append: ({ client }, plan) => benchAppend(client, client.db('bench_append'), plan),
  track: onStage('track', benchTrack),
  'track-batch': onStage('track-batch', benchTrackBatch),
  tender: onStage('tender', benchTender),
  'in-memory': onDatabase('bench_in_memory', benchInMemory),
  latency: onStage('latency', benchLatency),
  'fan-out': onDatabase('bench_fan_out', benchFanOut),
  delivery: (_mongo, plan) => benchDelivery(plan),
  'idle-memory': onStage('idle-memory', benchIdleMemory),
  rebuild: onDatabase('bench_rebuild', benchRebuild),
  verify: onDatabase('bench_verify', benchVerify),
  'as-of': onDatabase('bench_as_of', benchAsOf),
  load: onDatabase('bench_load', benchLoad),
};

/** A database of the suite's own, without servers; it goes at the end, so that none pays for another's. */
function onDatabase(
  name: string,
  measure: (mongo: Mongo, database: string, plan: Plan, profileDir?: string) => Promise<Findings>,
): Suite {
  return async (mongo, plan, profileDir) => {
    try {
      return await measure(mongo, name, plan, profileDir);
    } finally {
      await mongo.client.db(name).dropDatabase();
    }
  };
}

/** Each suite has servers and a database of its own, so that none finds what another left. */
function onStage(name: string, measure: (stage: Stage, plan: Plan) => Promise<Findings>): Suite {
  return async (mongo, plan, profileDir) => {
    const stage = await openStage(mongo, name, profileDir);
    try {
      return await measure(stage, plan);
    } finally {
      await stage.close();
      await stage.db.dropDatabase();
    }
  };
}

/** Runs suites on a mongod of their own in a temporary folder, and prints what they found. */
async function bench(names: readonly string[], options: Options): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  const log = openLog({ level: 'warn', pretty: false });
  const settings = { mongodPath: process.env.WAYBILL_MONGOD, dataDir, databaseName: 'bench' };
  let mongo: Mongo | undefined;
  const tidy = async (): Promise<void> => {
    await mongo?.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  process.once('SIGINT', () => void tidy().finally(() => process.exit(130)));
  try {
    mongo = await openMongo(settings, log);
    const title = await heading(mongo.db, options);
    const findings: Findings[] = [];
    for (const name of names) {
      console.error(`${name} …`);
      const found = await SUITES[name]?.(mongo, options, options.profile);
      if (found !== undefined) findings.push(found);
    }
    console.log(`${title}\n\n${report(findings)}`);
  } finally {
    await tidy();
  }
}

function positive(text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new Error(`${text} is no number greater than 0.`);
}

const names = Object.keys(SUITES);
await new Command('bench')
  .description('Measures Waybill beside its limits and prints a table.')
  .argument('[suites...]', `which: ${names.join(', ')}; by default all`)
  .option('--repetitions <n>', 'how often each is measured, after one to warm up', positive, 5)
  .option('--scale <factor>', 'multiplies the number of operations, to try things out', positive, 1)
  .option('--profile <folder>', 'writes a CPU profile of the gateway there')
  .action(async (chosen: string[], options: Options, command: Command) => {
    const unknown = chosen.find((name) => !names.includes(name));
    if (unknown !== undefined)
      command.error(`error: there is no suite ${unknown}; there are ${names.join(', ')}`);
    await bench(chosen.length === 0 ? names : chosen, options);
  })
  .parseAsync();
