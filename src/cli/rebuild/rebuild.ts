import { availableParallelism } from 'node:os';
import { Argument, type Command } from 'commander';
import { tenantIdSchema } from '../../access/claims.ts';
import { noteAdminAction } from '../../eventstore/admin-actions.ts';
import type { Store } from '../../eventstore/command/store.ts';
import type { Projection } from '../../eventstore/projection.ts';
import { type RebuildReport, rebuildProjection } from '../../eventstore/rebuild/rebuild.ts';
import { RebuildLost, RebuildRefused, SwitchRefused } from '../../eventstore/rebuild/refused.ts';
import type { RebuildState } from '../../eventstore/rebuild/run.ts';
import { projections } from '../../model.ts';
import { StartupError } from '../../mongo/startup-error.ts';
import { operator } from '../../process/operator.ts';
import { openThreads } from '../../process/replay-threads.ts';
import { stopOnSignal } from '../../process/stop-signal.ts';
import { validBy } from '../argument.ts';
import { withStore } from '../command-store.ts';
import type { CliContext } from '../context.ts';
import { wholeBetween } from '../number-option.ts';
import { type ProgressDisplay, showProgress } from '../progress.ts';
import { rebuildOne } from './one.ts';
import { printedFaults } from './report.ts';

interface Flags {
  readonly id?: string;
  readonly tenant?: string;
  readonly workers: number;
  readonly allowShorter?: true;
}

const MAX_WORKERS = 32;

const EPILOG = `
The read model is folded anew from the whole log, beside the live one; gateways go on reading and writing, and change over
to it together when it is level. One that was ended or killed goes on from there: give the same command again. What
it replaces is kept for an hour. Side effects of events do not happen again.

Exit code 0: rebuilt. 1: not, and everything is as before. 2: rebuilt, but some streams are damaged; the report names them.`;

/** Adds `waybill rebuild`. */
export function addRebuildCommand(program: Command, context: CliContext): void {
  program
    .command('rebuild')
    .description('fold a read model, or one row of it, anew from the log; gateways may run meanwhile')
    .addArgument(new Argument('<projection>').choices(projections.map(({ name }) => name)))
    .option('--id <id>', 'only the row of this aggregate: its id as the API gives it, or a UUID')
    .option('--tenant <id>', "whose row it is, where --id doesn't tell", validBy(tenantIdSchema))
    .option(
      '--workers <count>',
      'threads that replay; default: one fewer than there are cores',
      wholeBetween(1, MAX_WORKERS),
      Math.min(MAX_WORKERS, Math.max(1, availableParallelism() - 1)),
    )
    .option('--allow-shorter', 'put it in place though it has fewer rows than the live one')
    .addHelpText('after', EPILOG)
    .action(async (name: string, flags: Flags) => {
      context.exitCode = await run(name, flags, context);
    });
}

async function run(name: string, flags: Flags, context: CliContext): Promise<number> {
  const projection = projections.find((known) => known.name === name);
  if (projection === undefined) throw new StartupError(`There is no read model ${name}.`);
  try {
    return await withStore(context, async (store, { uri }) => {
      const { id, tenant } = flags;
      if (id === undefined) return rebuildAll(store, projection, flags, { ...context, uri });
      context.console.log(await rebuildOne(store, projection, id, tenant));
      return 0;
    });
  } catch (error) {
    const expected =
      error instanceof RebuildRefused || error instanceof SwitchRefused || error instanceof RebuildLost;
    throw expected ? new StartupError(error.message) : error;
  }
}

async function rebuildAll(
  store: Store,
  projection: Projection,
  { workers, allowShorter: shorter }: Flags,
  { uri, signals, stderr, console }: CliContext & { readonly uri: string },
): Promise<number> {
  const allowShorter = shorter === true;
  const stop = stopOnSignal(signals);
  let progress: ProgressDisplay | undefined;
  try {
    await noteAdminAction(store.db, {
      who: operator(),
      what: 'rebuild',
      details: { projection: projection.name, allowShorter },
    });
    const report = await rebuildProjection(store, projection, {
      // A single one needs no thread: this one has nothing else to do.
      ...(workers === 1 ? {} : { openWorkers: openThreads(workers, uri) }),
      allowShorter,
      signal: stop.signal,
      onProgress: (state) => {
        progress ??= showProgress(stderr, state.allRanges);
        progress.update(state.ranges, noteOf(state));
      },
    });
    progress?.stop();
    await noteAdminAction(store.db, {
      who: operator(),
      what: 'rebuild ended',
      before: { rows: report.oldRows },
      after: { rows: report.rows, generation: report.generation },
      details: { projection: projection.name, faulty: report.faulty },
    });
    console.log(printed(report));
    return report.faulty === 0 ? 0 : 2;
  } finally {
    progress?.stop();
    stop.release();
  }
}

function noteOf({ phase, eventsPerSecond, remainingMs }: RebuildState): string {
  if (phase !== 'replaying' || eventsPerSecond === 0) return phase;
  const left = remainingMs === undefined ? '' : `, ${Math.ceil(remainingMs / 1_000)} s left`;
  return `${eventsPerSecond.toLocaleString('en')} events/s${left}`;
}

function printed(report: RebuildReport): string {
  const { projection, rows, oldRows, events, streams, generation, resumed, elapsedMs } = report;
  const count = (number: number): string => number.toLocaleString('en');
  return [
    `${projection}: ${count(rows)} rows of ${count(streams)} streams and ${count(events)} events in ${(elapsedMs / 1_000).toFixed(1)} s${resumed ? ', going on from an earlier run' : ''}.`,
    `Generation ${generation} is live; the one before, with ${count(oldRows)} rows, is kept for an hour.`,
    ...printedFaults(report),
  ].join('\n');
}
