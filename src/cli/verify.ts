import { Argument, type Command } from 'commander';
import { tenantIdSchema } from '../access/claims.ts';
import { noteAdminAction } from '../eventstore/admin-actions.ts';
import type { Store } from '../eventstore/command/store.ts';
import { NewerVersion } from '../eventstore/newer.ts';
import { startProjector } from '../eventstore/projection/projector.ts';
import { recoverAsync } from '../eventstore/recovery/recover.ts';
import { totalOf } from '../eventstore/verify/finding.ts';
import { OtherVersion, type VerifyOptions, type VerifyReport } from '../eventstore/verify/verification.ts';
import { aggregateTypesWithoutRows, verifyProjection, verifyStreams } from '../eventstore/verify/verify.ts';
import { projections } from '../model.ts';
import { StartupError } from '../mongo/startup-error.ts';
import { operator } from '../process/operator.ts';
import { stopOnSignal } from '../process/stop-signal.ts';
import { validBy } from './argument.ts';
import { withStore } from './command-store.ts';
import type { CliContext } from './context.ts';
import { wholeBetween } from './number-option.ts';
import { type ProgressDisplay, showProgress } from './progress.ts';
import { verifyProof } from './proof/verify.ts';
import { printedFinding, printedReport } from './verify-report.ts';

interface Flags {
  readonly repair?: boolean;
  readonly tenant?: string;
  readonly rate?: number;
}

const MAX_RATE = 10_000_000;

const EPILOG = `
Every stream is folded from the log and held against its row; gateways may serve and write meanwhile. Named are rows that
are wrong (with each field), missing, extra or stale, and holes, doubles and unreadable events in streams. With --repair
rows are put right, and streams are left as they are. The two checksums are of all rows as the log makes them and as
they were found: they are the same where nothing is wrong, and from one run to the next where nothing was written.
Streams with an event that only a newer Waybill understands are not judged from there on, and counted.
Then, unless one read model alone was asked for, the log itself is held against its signed checkpoints: named is each event that was
changed, removed, slipped in or exchanged with another one since it was sealed. That is never repaired.

Exit code 0: nothing is wrong, or all of it is repaired. 1: it could not be found out. 2: something is wrong.`;

/** Adds `waybill verify`. */
export function addVerifyCommand(program: Command, context: CliContext): void {
  program
    .command('verify')
    .description('hold the read models against the log, and the log against what it was sealed with')
    .addArgument(
      new Argument('[projection]', 'one read model alone').choices(projections.map(({ name }) => name)),
    )
    .option('--repair', 'put right rows in place of wrong ones')
    .option('--tenant <id>', 'only what is of this tenant', validBy(tenantIdSchema))
    .option('--rate <events/s>', 'read no more events in a second', wholeBetween(1, MAX_RATE))
    .addHelpText('after', EPILOG)
    .action(async (name: string | undefined, flags: Flags) => {
      context.exitCode = await withStore(context, (store) => run(store, name, flags, context));
    });
}

/** @returns the exit code */
async function run(
  store: Store,
  name: string | undefined,
  flags: Flags,
  context: CliContext,
): Promise<number> {
  const { repair = false, tenant } = flags;
  if (repair)
    await noteAdminAction(store.db, {
      who: operator(),
      what: 'verify --repair',
      ...(tenant === undefined ? {} : { tenantId: tenant }),
      details: { projection: name ?? 'all', ...(tenant === undefined ? {} : { tenantId: tenant }) },
    });
  const stop = stopOnSignal(context.signals);
  // Where no gateway runs, nobody else would bring level what follows the log.
  const projector = await startProjector(store, projections, { recover: recoverAsync(store) });
  try {
    let wrong = 0;
    let repaired = 0;
    const unknown: string[] = [];
    for (const verify of verifications(store, name)) {
      const report = await shown(verify, flags, context, stop.signal).catch((error: unknown) => {
        if (!(error instanceof OtherVersion || error instanceof NewerVersion)) throw error;
        return error;
      });
      if (stop.signal.aborted) throw new StartupError('Stopped before the end.');
      if (report instanceof Error) unknown.push(report.message);
      else {
        wrong += totalOf(report.findings) - report.repaired;
        repaired += report.repaired;
      }
    }
    if (repair)
      await noteAdminAction(store.db, {
        who: operator(),
        what: 'verify --repair ended',
        ...(tenant === undefined ? {} : { tenantId: tenant }),
        before: { wrong: wrong + repaired },
        after: { wrong },
        details: { projection: name ?? 'all', unknown: unknown.length },
      });
    if (unknown.length > 0) throw new StartupError(unknown.join(' '));
    if (name === undefined) wrong += await verifyLog(store, flags, context, stop.signal);
    return wrong === 0 ? 0 : 2;
  } finally {
    await projector.stop();
    stop.release();
  }
}

async function verifyLog(
  store: Store,
  { tenant, rate }: Flags,
  context: CliContext,
  signal: AbortSignal,
): Promise<number> {
  const wrong = await verifyProof(store, context, {
    signal,
    ...(tenant === undefined ? {} : { tenantId: tenant }),
    ...(rate === undefined ? {} : { eventsPerSecond: rate }),
  });
  if (signal.aborted) throw new StartupError('Stopped before the end.');
  return wrong;
}

type Verify = (options: VerifyOptions) => Promise<VerifyReport>;

function verifications(store: Store, name: string | undefined): Verify[] {
  const chosen = projections.filter((projection) => name === undefined || projection.name === name);
  const types = name === undefined ? aggregateTypesWithoutRows(store) : [];
  return [
    ...chosen.map((projection) => (options: VerifyOptions) => verifyProjection(store, projection, options)),
    ...types.map((type) => (options: VerifyOptions) => verifyStreams(store, type, options)),
  ];
}

/** Shows how far it is on standard error, and what it finds on standard output. */
async function shown(
  verify: Verify,
  { repair = false, tenant, rate }: Flags,
  { stderr, console }: CliContext,
  signal: AbortSignal,
): Promise<VerifyReport> {
  const began = performance.now();
  let progress: ProgressDisplay | undefined;
  try {
    const report = await verify({
      repair,
      signal,
      ...(tenant === undefined ? {} : { tenantId: tenant }),
      ...(rate === undefined ? {} : { eventsPerSecond: rate }),
      onProgress: ({ events }, expected) => {
        progress ??= showProgress(stderr, expected);
        const perSecond = events / ((performance.now() - began) / 1_000);
        const left = Math.max(0, Math.ceil((expected - events) / Math.max(1, perSecond)));
        const pace = `${Math.round(perSecond).toLocaleString('en')} events/s, ${left} s left`;
        progress.update(Math.min(events, expected), pace);
      },
      onFinding: (finding, repaired) => {
        // Out of the bar's way; it is drawn again.
        if (stderr.isTTY) stderr.write('\r\u001b[K');
        console.log(printedFinding(finding, repaired));
      },
    });
    progress?.stop();
    console.log(printedReport(report));
    return report;
  } finally {
    progress?.stop();
  }
}
