import { randomBytes } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { secretOfGateway } from '../access/development-secret.ts';
import { signToken } from '../access/token.ts';
import { graphqlClient, RequestError } from '../client/graphql-client.ts';
import { StartupError } from '../mongo/startup-error.ts';
import { isDevelopment, tokenPolicyOf } from '../process/proof.ts';
import { secretOf } from '../process/secret.ts';
import type { Variables } from '../process/setting.ts';
import { readSettings } from '../process/settings.ts';
import { stopOnSignal } from '../process/stop-signal.ts';
import { simulate } from '../simulation/simulation.ts';
import type { Summary } from '../simulation/summary.ts';
import type { LonLat } from '../simulation/town.ts';
import { duration } from './argument.ts';
import type { CliContext, Output } from './context.ts';
import { numberBetween, wholeBetween } from './number-option.ts';

interface Flags {
  readonly vehicles: number;
  readonly tenders?: number;
  readonly url: string;
  readonly token?: string;
  readonly tenant: string;
  readonly fleet: string;
  readonly rate: number;
  readonly pace: number;
  readonly seed?: string;
  readonly centre: LonLat;
  /** In seconds. */
  readonly duration?: number;
}

/** Two requests of clearing up must not keep anyone from leaving. */
const CLEAR_UP_PATIENCE_MS = 2_000;
const PATIENCE_MS = 30_000;
/** Beyond this, Node's timers fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Without a terminal, the state is printed no more often than this. */
const LINE_INTERVAL_MS = 10_000;
/** A token lives longer than anyone watches. */
const TOKEN_SECONDS = 7 * 86_400;

const EPILOG = `
Everything goes through the public API, so every subscription shows it. The same --seed makes the same town, vehicles,
loads and decisions; which vehicle gets which load depends on who is near. Ctrl-C stops it, cancels what is under way
and prints a summary; a second Ctrl-C leaves at once.`;

/** Adds `waybill simulate`. */
export function addSimulateCommand(program: Command, context: CliContext): void {
  program
    .command('simulate')
    .description('drive a small made-up fleet and its tenders, to have something to watch')
    .option('--vehicles <number>', 'vehicles in the fleet', wholeBetween(1, 5_000), 50)
    .option(
      '--tenders <number>',
      'tenders under way at once (default: one for five vehicles)',
      wholeBetween(0, 500),
    )
    .option('--url <url>', 'the GraphQL endpoint', 'http://localhost:4000/graphql')
    .option('--token <token>', 'who is calling (default: WAYBILL_TOKEN, or one made for development mode)')
    .option('--tenant <id>', 'whose fleet it is, for a token made here', 'demo')
    .option('--fleet <id>', 'the id of the fleet', 'simulated')
    .option('--rate <fixes>', 'fixes a second of each vehicle', numberBetween(0.01, 20), 1)
    .option(
      '--pace <factor>',
      'how many times faster than the clock the town lives',
      numberBetween(0.1, 200),
      4,
    )
    .option('--centre <longitude,latitude>', 'where the town lies', place, [-97.743, 30.267])
    .option('--duration <time>', 'when to stop, as 90s, 15m or 12h (default: at Ctrl-C)', duration)
    .option('--seed <text>', 'what the town is made from (default: chosen by chance, and printed)')
    .addHelpText('after', EPILOG)
    .action(async (flags: Flags) => {
      const { variables } = context;
      const token =
        flags.token ??
        secretOf('WAYBILL_TOKEN', variables) ??
        (await developmentToken(flags.tenant, variables));
      await run(flags, token, context);
    });
}

function place(text: string): LonLat {
  const [longitude, latitude, ...more] = text.split(',').map(Number);
  const inRange = Math.abs(longitude ?? 999) <= 179 && Math.abs(latitude ?? 999) <= 80;
  if (longitude !== undefined && latitude !== undefined && inRange && more.length === 0)
    return [longitude, latitude];
  throw new InvalidArgumentError(
    'It must be two numbers such as -97.743,30.267: longitude to 179, latitude to 80.',
  );
}

/** @throws StartupError where the gateway isn't in development mode as far as this environment tells */
async function developmentToken(tenant: string, variables: Variables): Promise<string> {
  const settings = readSettings(variables);
  const policy = await tokenPolicyOf(settings, () => secretOfGateway(settings.dataDir));
  if (!isDevelopment(settings) || policy.kind !== 'secret')
    throw new StartupError('Say who is calling: --token, or WAYBILL_TOKEN. It must be a dispatcher.');
  return signToken(policy, { sub: 'simulator', tenant, role: 'dispatcher' }, TOKEN_SECONDS);
}

async function run(flags: Flags, token: string, { signals, stderr, console }: CliContext): Promise<void> {
  const { url, vehicles, tenders = Math.ceil(vehicles / 5), rate, pace, fleet: fleetId, centre } = flags;
  const seed = flags.seed ?? randomBytes(4).toString('hex');
  const stop = stopOnSignal(signals);
  const timer = setTimeout(stop.now, Math.min((flags.duration ?? 0) * 1000, LONGEST_TIMER_MS));
  if (flags.duration === undefined) clearTimeout(timer);
  const client = graphqlClient({ url, token, patienceMs: PATIENCE_MS, signal: stop.signal });
  const afterwards = graphqlClient({ url, token, patienceMs: CLEAR_UP_PATIENCE_MS });
  try {
    await client.probe();
    console.log(
      `${vehicles} vehicles and ${tenders} tenders at once in fleet "${fleetId}", --seed ${seed}. Ctrl-C stops.`,
    );
    const progress = { onProgress: progressLine(stderr) };
    const options = {
      vehicles,
      tenders,
      rate,
      pace,
      seed,
      fleetId,
      centre,
      signal: stop.signal,
      ...progress,
    };
    console.log(printedSummary(await simulate(client, afterwards, options), stderr));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    if (error.code !== 'STOPPED') throw new StartupError(error.message);
  } finally {
    clearTimeout(timer);
    stop.release();
  }
}

function stateOf({ fixes, created, completed, cancelled }: Summary): string {
  return `${fixes} fixes; tenders: ${created} created, ${completed} completed, ${cancelled} cancelled`;
}

/** One line that is written over on a terminal; elsewhere a line now and then. */
function progressLine(stderr: Output): (summary: Summary) => void {
  let printedAt = Date.now();
  return (summary) => {
    if (stderr.isTTY) stderr.write(`\r\x1b[K${stateOf(summary)}`);
    else if (Date.now() - printedAt >= LINE_INTERVAL_MS) {
      printedAt = Date.now();
      stderr.write(`${stateOf(summary)}\n`);
    }
  };
}

function printedSummary(summary: Summary, { isTTY }: Output): string {
  const lines = [`${isTTY ? '\n' : ''}Stopped: ${stateOf(summary)}, ${summary.cleared} cleared up`];
  if (summary.skippedRounds > 0)
    lines.push(`  ${summary.skippedRounds} rounds of fixes were left out, because the gateway was behind`);
  for (const [code, count] of summary.refused) lines.push(`  refused, ${code}: ${count}`);
  return lines.join('\n');
}
