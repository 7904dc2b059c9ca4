import { setTimeout as pause } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { Logger } from 'pino';
import { settingsHelp } from '../process/help.ts';
import { openLog } from '../process/log.ts';
import { isDevelopment } from '../process/proof.ts';
import { PROCESS_ROLES, readSettings, type Settings } from '../process/settings.ts';
import type { SignalSource } from '../process/stop-signal.ts';
import type { Waybill } from '../waybill.ts';
import type { CliContext } from './context.ts';

const ROLES_HELP = `
One process does everything (--role all) until that is not enough. Then any number of gateways answer GraphQL, and one or
more projectors do what goes on behind them: async read models, the timer of offers, rebuilds, verification. Where a projector
dies, another one takes over within seconds; without one, gateways go on, vehicles stand still on the screens, and
/health/ready says so. All of them need the same MONGODB_URI and the same proof of tokens. On one machine they may share the
mongod of one data folder, which belongs to the process that was started first and stops with it; on several machines there
is no way but MONGODB_URI. A projector answers /health and /metrics on PORT, and nothing else.
`;

/** Adds `waybill start`, which is what `waybill` alone does. */
export function addStartCommand(program: Command, context: CliContext): void {
  program
    .command('start', { isDefault: true })
    .description('start the gateway (this is what waybill without a command does)')
    .addOption(
      new Option('--role <role>', 'what this process does (default: WAYBILL_ROLE, or all)').choices(
        PROCESS_ROLES,
      ),
    )
    .allowExcessArguments()
    .addHelpText('after', () => `${ROLES_HELP}\n${settingsHelp()}`)
    .action(async ({ role }: { readonly role?: string }, command: Command) => {
      // As the default command, it is given every word that is no command.
      const [unknown] = command.args;
      if (unknown !== undefined)
        command.error(`error: unknown command '${unknown}'; waybill --help lists them`);
      const { variables } = context;
      const settings = readSettings(role === undefined ? variables : { ...variables, WAYBILL_ROLE: role });
      await start(settings, context);
    });
}

/** Starts, runs until a signal, stops. @throws StartupError */
async function start(settings: Settings, { stderr, console, signals, logTo }: CliContext): Promise<void> {
  const pretty = isDevelopment(settings) && stderr.isTTY === true;
  const log = openLog({
    level: settings.logLevel,
    pretty,
    ...(logTo === undefined ? {} : { destination: logTo }),
  });
  const fail = (error: unknown, what: string): void => {
    log.fatal({ err: error }, what);
    signals.exit(1);
  };
  // Of the process, whoever runs the command: what nobody caught is nobody's but its own.
  process.on('uncaughtException', (error) => fail(error, 'a bug: an error that nobody caught'));
  process.on('unhandledRejection', (error) => {
    if (isOfField(error)) log.debug({ err: error }, 'one more field failed in an answer that had failed');
    else fail(error, 'a bug: a rejection that nobody handled');
  });
  const stopped = stopSignal(signals, log);
  log.info({ node: process.version }, 'starting');

  // Loaded here, so that the other commands need not wait for the whole gateway to be read.
  const { openWaybill } = await import('../waybill.ts');
  const opening = openWaybill(settings, log, (error) => fail(error, 'the gateway cannot go on'));
  const waybill = await Promise.race([opening, stopped.then(() => undefined)]);
  if (waybill !== undefined) console.log(greeting(waybill, settings));
  const signal = await stopped;
  log.info({ signal, drainSeconds: settings.drainSeconds }, 'stopping; a second signal stops at once');
  await (waybill === undefined ? abandon(opening, settings.drainSeconds) : waybill.close());
  log.info('stopped');
  signals.exit(0);
}

/**
 * Whether an error is that of a field which was being executed. Where an item of a list fails at once, the interpreter answers
 * with that, and leaves what comes of the items before it to nobody (graphql-js #3761): a client's query must not end the process.
 */
function isOfField(error: unknown): boolean {
  return (
    error instanceof Error && error.name === 'GraphQLError' && 'path' in error && Array.isArray(error.path)
  );
}

/** Closes what is still being opened, as soon as it is open; a download or a recovery is not waited for long. */
async function abandon(opening: Promise<Waybill>, patienceSeconds: number): Promise<void> {
  const closed = opening.then(
    (waybill) => waybill.close(),
    () => undefined,
  );
  await Promise.race([closed, pause(patienceSeconds * 1_000)]);
}

/** Resolves with the first SIGTERM or SIGINT. A second one, of either kind, ends the process at once. */
function stopSignal(signals: SignalSource, log: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first = true;
    const heard = (signal: NodeJS.Signals): void => {
      if (first) {
        first = false;
        resolve(signal);
        return;
      }
      log.warn({ signal }, 'stopped at once');
      signals.exit(130);
    };
    signals.on('SIGTERM', heard);
    signals.on('SIGINT', heard);
  });
}

/** What somebody who has just started the gateway needs to know. */
function greeting({ url, development }: Waybill, { dataDir, role }: Settings): string {
  if (role === 'projector') return `Waybill projects; health and metrics are on ${url}`;
  const listening = `Waybill listens on ${url}`;
  if (!development) return listening;
  const shared = dataDir === '.waybill' ? '' : `WAYBILL_DATA=${dataDir} `;
  return [
    '',
    `${listening} (open it in a browser for GraphiQL)`,
    '',
    'Development mode: neither WAYBILL_JWT_SECRET nor WAYBILL_JWKS_URL is set, so tokens are signed with a secret',
    `kept in ${dataDir}, and only this machine can connect. For a token:`,
    '',
    `  ${shared}npx waybill token --tenant demo --role dispatcher`,
    '',
  ].join('\n');
}
